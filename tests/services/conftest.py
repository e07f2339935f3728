"""Tests with database servers; `make test-services` runs them, other test runs leave them out."""

import os

import pytest

from enas_inr.studies.location import VARIABLE
from tests.services.servers import MariaDB, PostgreSQL

ASKED = "ENAS_INR_TEST_SERVICES"

collect_ignore_glob = [] if os.environ.get(ASKED) else ["test_*.py"]


@pytest.fixture(scope="session", params=[PostgreSQL, MariaDB], ids=lambda kind: kind.__name__)
def server(request):
    if package := request.param.missing():
        pytest.skip(f"{package} is not installed")
    pytest.importorskip({"postgresql+psycopg": "psycopg"}.get(request.param.driver, "pymysql"))
    running = request.param()
    yield running
    running.end()


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENAS_INR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
