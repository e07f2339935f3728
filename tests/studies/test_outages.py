import logging
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from itertools import pairwise

import optuna
import pytest
from sqlalchemy.exc import InternalError, OperationalError, ProgrammingError

import enas_inr
from enas_inr.errors import ExitCode, StudyError, TrainingError, logger
from enas_inr.studies import unsaved
from enas_inr.studies.known import known_trials
from enas_inr.studies.location import Storage
from enas_inr.studies.outages import LONGEST_WAIT, Waiting
from enas_inr.studies.reading import measured_costs, read_study
from enas_inr.studies.store import Store
from enas_inr.studies.writing import TrialWriter
from tests.optuna_studies import plain_optuna
from tests.present import present
from tests.studies.stored import SPEC, complete, failed


class DriverError(Exception):
    def __init__(self, text, sqlstate=None):
        super().__init__(*text if isinstance(text, tuple) else (text,))
        self.sqlstate = sqlstate


PLACE = Storage("postgresql://u:SECRET@h/db")
AWAY = OperationalError("INSERT", {}, DriverError("no answer to u:SECRET\nat all", "08006"))
FAILOVER = InternalError("INSERT", {}, DriverError("read-only", "25006"))
AWAY_MYSQL = OperationalError("INSERT", {}, DriverError((2003, "can't connect")))
REFUSED = OperationalError("", {}, DriverError("wrong password", "28P01"))
REFUSED_MYSQL = OperationalError("", {}, DriverError((1045, "access denied")))
NO_TABLE = ProgrammingError("", {}, DriverError("no table", "42P01"))


class Clock:
    """Time that only waiting spends."""

    def __init__(self, meanwhile=lambda: None):
        self.waits, self.said, self.meanwhile = [], [], meanwhile

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.meanwhile()

    def waiting(self, seconds=300.0):
        return Waiting(seconds, self.said.append, self.sleep, lambda: sum(self.waits))


class Ending(logging.Handler):
    """Ends the lock of a database when an outage is said."""

    def __init__(self, other):
        super().__init__()
        self.other = other

    def emit(self, record):
        if "does not answer" in record.getMessage():
            self.other.execute("ROLLBACK")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ENAS_INR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def other(tmp_path, database):
    """Another program with the database open."""
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def failing(*errors):
    left = list(errors)

    def ask():
        if left:
            raise left.pop(0)
        return "answer"

    return ask


def test_a_storage_is_asked_until_it_answers_and_each_outage_is_said_once():
    clock = Clock()
    errors = [AWAY, FAILOVER, AWAY_MYSQL, *[AWAY] * 6]
    assert clock.waiting().asked(PLACE, failing(*errors)) == "answer"
    assert clock.said == [
        "storage postgresql://u:***@h/db does not answer (no answer to u:***); "
        "trying again for up to 5 minutes",
        "storage postgresql://u:***@h/db answers again",
    ]
    assert clock.waits[:4] == [0.5, 1, 2, 4]
    assert all(earlier <= later <= LONGEST_WAIT for earlier, later in pairwise(clock.waits))


def test_the_time_to_wait_is_bounded():
    clock = Clock()
    with pytest.raises(OperationalError):
        clock.waiting(60.0).asked(PLACE, failing(*[AWAY] * 99))
    assert sum(clock.waits) == 60
    assert len(clock.said) == 1
    with pytest.raises(OperationalError):
        Waiting(0, clock.said.append, clock.sleep).asked(PLACE, failing(AWAY))
    assert len(clock.said) == 1


@pytest.mark.parametrize(
    "error", [REFUSED, REFUSED_MYSQL, NO_TABLE, ValueError("no"), sqlite3.Error("no")]
)
def test_what_will_not_pass_is_not_waited_for(error):
    clock = Clock()
    with pytest.raises(type(error)):
        clock.waiting().asked(PLACE, failing(error))
    assert clock.waits == clock.said == []


def test_a_trial_waits_for_a_locked_database(database, other):
    clock = Clock(lambda: other.execute("ROLLBACK"))
    with Store("s", SPEC, f"{database}?timeout=0.1", clock.waiting()) as store:
        store.add(complete(0))
        other.execute("BEGIN EXCLUSIVE")
        store.add(failed(1))
        assert store.results() == [complete(0), failed(1)]
    assert len(clock.waits) == 1
    assert "does not answer (database is locked)" in clock.said[0]


READERS = {
    "known trials": lambda place: present(known_trials([SPEC.signal], place)(complete(0).trial)),
    "costs": lambda place: measured_costs("s", place),
    "study": lambda place: read_study("s", place),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_storage_that_has_answered_is_waited_for_by_readers(database, read, other):
    with Store("s", SPEC, database) as store:
        store.add(complete(0))
    place = Storage(f"{database}?timeout=0.1")
    whole = read(place)
    ending = Ending(other)
    logger.addHandler(ending)
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StudyError, match="database is locked"):
            read(place)
        assert read(place.answered()) == whole
    finally:
        logger.removeHandler(ending)


def test_a_trial_that_was_written_before_its_answer_was_lost_is_not_written_again(
    database, monkeypatch
):
    add, clock = TrialWriter.add, Clock()

    def add_and_fail(self, trial, *, again=False):
        add(self, trial, again=again)
        if not again:
            raise OperationalError("", {}, sqlite3.OperationalError("lost"), True)

    monkeypatch.setattr(TrialWriter, "add", add_and_fail)
    with Store("s", SPEC, database, clock.waiting()) as store:
        for number, result in enumerate([complete(0), failed(1), failed(2)], 1):
            store.add(result)
            assert len(plain_optuna(database).trials) == number
        assert store.results() == [complete(0), failed(1), failed(2)]


def test_a_trial_that_cannot_be_written_is_kept_for_the_next_run(database, other):
    trial = complete(1, width=8).trial
    with Store("s", SPEC, f"{database}?timeout=0", Clock().waiting(9.0)) as store:
        store.add(complete(0))
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StudyError, match=r"database is locked; 1 trial kept in .*jsonl") as e:
            store.add(complete(1, width=8))
        other.execute("ROLLBACK")
        assert store.results() == [complete(0)]
    assert e.value.exit_code is ExitCode.STUDY
    find = unsaved.find(Storage(database), "s")
    assert present(find(trial.model_copy(update={"number": 7}))).score == complete(1).score
    assert find(complete(2).trial) is None
    assert find(trial.model_copy(update={"repeats": 9})) is None
    assert unsaved.find(Storage(database), "t")(trial) is None
    unsaved.forget(Storage(database), "s")
    assert unsaved.find(Storage(database), "s")(trial) is None


def test_what_is_kept_waits_for_a_run_that_goes_to_the_end(tmp_path):
    pytest.importorskip("torch")
    search = partial(
        enas_inr.search, "sample:photo", size=8, grid=2, widths=[4, 8], depths=[1], steps=2,
        repeats=1, strategy="exhaustive", strategy_options={"racing": False}, floor_db=-99,
        study="s", device="cpu",
    )  # fmt: skip
    whole = search(storage=f"{tmp_path}/whole.db")
    place = Storage(tmp_path / "runs.db")
    kept = [trial.model_copy(update={"seconds": 99.0}) for trial in whole.trials]
    file = present(unsaved.keep(place, "s", kept))
    with pytest.raises(TrainingError, match="none of the 0 trials"):
        search(storage=place, timeout="0.001ms")
    assert file.exists()
    assert [trial.seconds for trial in search(storage=place).trials] == [99.0, 99.0]
    assert not file.exists()


def test_a_trial_is_kept_as_long_as_it_is_not_written(database, other):
    found = []

    def look():
        found.append(unsaved.find(Storage(database), "s")(complete(0).trial))
        if len(found) == 3:
            other.execute("ROLLBACK")

    with Store("s", SPEC, f"{database}?timeout=0", Clock(look).waiting()) as store:
        other.execute("BEGIN EXCLUSIVE")
        store.add(complete(0))
        assert store.results() == [complete(0)]
    assert found == [complete(0)] * 3


def test_ctrl_c_during_an_outage_keeps_the_trial(database, other):
    def interrupted():
        raise KeyboardInterrupt

    with Store("s", SPEC, f"{database}?timeout=0", Clock(interrupted).waiting()) as store:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(KeyboardInterrupt):
            store.add(complete(0))
        other.execute("ROLLBACK")
    assert unsaved.find(Storage(database), "s")(complete(0).trial) == complete(0)


def test_a_study_that_is_deleted_meanwhile_is_an_error_and_nothing_is_written(storage):
    with Store("s", SPEC, storage, Clock().waiting()) as store:
        store.add(complete(0))
        optuna.delete_study(study_name="s", storage=plain_optuna(storage)._storage)
        with pytest.raises(StudyError, match=r"study 's' in .* was deleted meanwhile; 1 trial"):
            store.add(failed(1))
        with pytest.raises(StudyError, match="was deleted meanwhile"):
            store.results()
    assert optuna.get_all_study_names(storage=plain_optuna_storage(storage)) == []


def plain_optuna_storage(storage):
    with Store("other", SPEC, storage):
        backend = plain_optuna(storage, "other")._storage
    optuna.delete_study(study_name="other", storage=backend)
    return backend


@pytest.mark.parametrize("gone", ["file", "folder", "current folder", "replaced"])
def test_a_file_that_is_deleted_meanwhile_is_not_made_anew(
    tmp_path, empty_database, monkeypatch, gone
):
    folder = tmp_path / "runs"
    folder.mkdir()
    file = folder / "runs.db"
    shutil.copy(empty_database, file)
    monkeypatch.chdir(folder if gone == "current folder" else tmp_path)
    name = "runs.db" if gone == "current folder" else str(file)
    with Store("s", SPEC, name, Clock().waiting()) as store:
        store.add(complete(0))
        store.add(failed(1, width=16))
        shutil.rmtree(folder) if "folder" in gone else file.unlink()
        if gone == "replaced":
            shutil.copy(empty_database, file)
        with pytest.raises(StudyError, match=r"was deleted or moved .*; 3 trials kept in "):
            store.add(complete(2, width=8))
    assert file.exists() == (gone == "replaced")
    find = unsaved.find(Storage(str(file)), "s")
    results = [complete(0), failed(1, width=16), complete(2, width=8)]
    assert [find(result.trial) for result in results] == results


def test_a_journal_that_is_deleted_meanwhile_is_not_made_anew(tmp_path):
    storage = f"journal:{tmp_path}/runs.log"
    with Store("s", SPEC, storage, Clock().waiting()) as store:
        store.add(complete(0))
        (tmp_path / "runs.log").unlink()
        with pytest.raises(StudyError, match=r"was deleted or moved during the search; \d trial"):
            store.add(failed(1))
    assert not (tmp_path / "runs.log").exists()


def test_a_picture_that_cannot_be_written_costs_no_trial(tmp_path, database, caplog):
    from enas_inr.result import Picture

    (tmp_path / "runs.db.artifacts").touch()
    picture = Picture(".png", "image/png", b"png")
    with Store("s", SPEC, database) as store:
        store.add(complete(0), picture)
        store.add(failed(1), picture)
    assert read_study("s", database)[1] == [complete(0), failed(1)]
    assert caplog.text.count("pictures of trials are not kept in ") == 1
