import os
import sys

import pytest

import enas_inr
from enas_inr.studies.location import Storage
from enas_inr.studies.ownership import Ownership
from enas_inr.studies.running import default_storage, running_studies

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's list of locks")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("searched")
    for name, study in (("first.db", "portrait"), ("second.db", "lake")):
        enas_inr.search(
            "sample:photo", size=16, grid=2, widths=[4], depths=[1], repeats=1,
            training={"steps": 2}, study=study, storage=f"{made}/{name}",
        )  # fmt: skip
    os.utime(made / "first.db", (1, 1))
    (made / "notes.db").write_text("these are my notes")
    return made


@pytest.fixture
def held(folder):
    owner = Ownership(Storage(f"{folder}/first.db"), "portrait")
    owner.take_file()
    owner.take_study(1)
    yield
    owner.release()


def test_a_study_is_running_while_its_lock_is_held(folder, held):
    assert running_studies(f"{folder}/first.db") == ["portrait"]
    assert running_studies(f"{folder}/second.db") == []


def test_without_a_search_none_is_running(folder):
    assert running_studies(f"{folder}/first.db") == []


def test_the_storage_of_a_running_search_is_found_first(folder, held, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("ENAS_INR_STORAGE", raising=False)
    assert default_storage(folder).file == folder / "first.db"


def test_else_the_storage_that_was_written_last_is_found(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("ENAS_INR_STORAGE", raising=False)
    assert default_storage(folder).file == folder / "second.db"


def test_a_storage_of_the_environment_is_taken_if_it_exists(folder, monkeypatch):
    monkeypatch.setenv("ENAS_INR_STORAGE", f"{folder}/first.db")
    assert default_storage(folder).file == folder / "first.db"


def test_a_folder_without_storages_leaves_the_usual_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENAS_INR_STORAGE", raising=False)
    assert str(default_storage(tmp_path)) == str(Storage(None))
    assert os.listdir(tmp_path) == []
