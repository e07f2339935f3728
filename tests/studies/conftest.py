import shutil
import tempfile

import pytest

from tests.optuna_studies import plain_storage


@pytest.fixture(scope="package")
def empty_database(tmp_path_factory):
    """Creating the tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    plain_storage(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path / "runs.db")
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture(params=["sqlite", "journal"])
def storage(request, tmp_path, monkeypatch):
    if request.param == "sqlite":
        return request.getfixturevalue("database")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # the folder of its lock
    return f"journal:{tmp_path}/runs.log"
