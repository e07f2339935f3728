import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager

import pytest
from optuna.trial import TrialState

from enas_inr.studies.location import Storage
from enas_inr.studies.store import Store
from tests.optuna_studies import plain_optuna
from tests.present import present
from tests.studies.stored import SPEC, complete, diverged, failed, refused

OWNER = """
import sys
from enas_inr.result import TrialResult
from enas_inr.spec import StudySpec
from enas_inr.studies.store import Store

name, spec, storage, *results = sys.argv[1:]
with Store(name, StudySpec.model_validate_json(spec), storage) as store:
    for result in results:
        store.add(TrialResult.model_validate_json(result))
    print("owned", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_process(storage, *results):
    """Start a process that writes these results and owns the study until its stdin is closed."""
    texts = [result.model_dump_json() for result in results]
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, "s", SPEC.model_dump_json(), storage, *texts],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": tempfile.gettempdir()},
    ) as process:
        try:
            assert present(process.stdout).readline() == "owned\n"
            yield process
        finally:
            process.kill()


def test_a_study_is_refused_while_another_process_owns_it(storage):
    with other_process(storage, complete(0)) as process:
        message = refused("s", SPEC, storage)
        assert "study 's' in " in message
        assert "is in use by another process" in message
        with Store("another", SPEC, storage):
            pass
        process.stdin.close()
        assert process.wait() == 0
        with Store("s", SPEC, storage) as store:
            assert store.results() == [complete(0)]


def test_an_owner_that_is_killed_leaves_its_results_and_no_lock(storage):
    with other_process(storage, complete(0), failed(1)) as process:
        process.kill()
        process.wait()
        with Store("s", SPEC, storage) as store:
            assert store.results() == [complete(0), failed(1)]
            store.add(diverged(2))
    states = [row.state for row in plain_optuna(storage).trials]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED]


def test_a_file_has_one_owner_however_it_is_written(tmp_path, monkeypatch, database):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "link.db").symlink_to("runs.db")
    with other_process(database):
        for written in ("runs.db", "./x/../runs.db", "link.db", "sqlite:///runs.db"):
            assert "is in use by another process" in refused("s", SPEC, written)


def test_a_study_is_free_again_after_an_error_in_it(database):
    with pytest.raises(ZeroDivisionError), Store("s", SPEC, database):
        raise ZeroDivisionError
    refused("s", SPEC.model_copy(update={"repeats": 3}), database)
    with Store("s", SPEC, database) as store:
        assert store.results() == []


def test_a_path_alone_is_an_sqlite_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Storage("runs.db") == "sqlite:///runs.db"
    assert Storage("postgresql://host/db") == "postgresql://host/db"
    with Store("s", SPEC, "runs.db") as store:
        store.add(complete(0))
    assert len(plain_optuna(f"sqlite:///{tmp_path}/runs.db").trials) == 1


def test_a_storage_in_memory_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "locks").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "locks"))
    with Store("s", SPEC, "sqlite:///:memory:") as store:
        store.add(complete(0))
        assert store.results() == [complete(0)]
    assert os.listdir(tmp_path) == ["locks"]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///{folder}/file/runs.db",
        "{folder}/file/runs.db",
        "sqlite:///{folder}",
        "sqlite:///{folder}/file",
        "journal:{folder}/file",
        "sqlite:///",
        "journal:",
        "",
        "a\0b.db",
    ],
)
def test_a_storage_that_cannot_be_used_is_refused_in_one_line(tmp_path, monkeypatch, url):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_text("these are my notes, and no database at all\n" * 100)
    message = refused("s", SPEC, url.format(folder=tmp_path))
    assert message.startswith("storage ")
    assert "cannot be used: " in message
    assert message.endswith("give a writable one, such as --storage sqlite:///enas-inr.db")


def test_a_text_file_is_not_changed(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("these are my notes, and no database at all\n" * 100)
    before = notes.read_bytes()
    refused("s", SPEC, str(notes))
    assert notes.read_bytes() == before
