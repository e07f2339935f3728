"""Models and an archive of them, for several files of tests."""

import pytest

import enas_inr
from tests.model.noise import CATALOG, three_models


@pytest.fixture(scope="package")
def models():
    return three_models()


@pytest.fixture
def path(models, tmp_path):
    """An archive of the models."""
    enas_inr.write_archive(tmp_path / "m.inrs", models, catalog=CATALOG)
    return tmp_path / "m.inrs"
