"""A trial that is written in a few statements is the one that Optuna would have written."""

import sqlite3
from contextlib import closing

import pytest
from optuna.storages import RDBStorage
from sqlalchemy import event

from enas_inr.result import Curve
from enas_inr.studies import writing
from enas_inr.studies.store import Store
from tests.optuna_studies import plain_optuna
from tests.studies.stored import SPEC, complete, diverged, failed


def tables(path):
    """The rows of all tables, except the numbers that SQLite gives them."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.row_factory = sqlite3.Row
        names = [row[0] for row in connection.execute(
            "select name from sqlite_master where type = 'table' order by name")]  # fmt: skip
        found = {
            name: list(map(dict, connection.execute(f"select * from {name}"))) for name in names
        }
    for row in found["trials"]:
        del row["datetime_start"], row["datetime_complete"]
    return {name: sorted(map(repr, rows)) for name, rows in found.items()}


def write(path, results):
    with Store("other", SPEC, str(path)) as store:
        store.add(results[0])
    with Store("s", SPEC, str(path)) as store:
        for result in results:
            store.add(result)


def test_the_tables_are_those_of_optuna(tmp_path, monkeypatch):
    results = [complete(0, width=8), diverged(1), failed(2), complete(3, depth=2)]
    write(tmp_path / "ours.db", results)
    monkeypatch.setattr(writing.TrialWriter, "usable", False)
    write(tmp_path / "theirs.db", results)
    ours, theirs = tables(tmp_path / "ours.db"), tables(tmp_path / "theirs.db")
    assert ours == theirs
    assert len(ours["trials"]) == 5


def test_optuna_reads_the_times_and_goes_on_from_the_numbers(tmp_path):
    path = tmp_path / "s.db"
    write(path, [complete(0), complete(1, width=4)])
    study = plain_optuna(f"sqlite:///{path}")
    before = study.trials
    study.add_trial(before[0])
    assert [trial.number for trial in study.get_trials()] == [0, 1, 2]
    again = study.trials[2]
    assert (again.datetime_start, again.datetime_complete) == (
        before[0].datetime_start,
        before[0].datetime_complete,
    )


def test_a_trial_needs_few_statements(tmp_path):
    steps = tuple(range(1, 23))
    curve = Curve(steps=steps, psnr_paper_db=((20.0,) * 22,) * 2)
    with Store("s", SPEC, str(tmp_path / "s.db")) as store:
        store.add(complete(0))
        said = []
        assert isinstance(store._backend, RDBStorage)
        event.listen(
            store._backend.engine, "before_cursor_execute", lambda *args: said.append(args[2])
        )
        store.add(complete(1, width=4).model_copy(update={"curve": curve}))
    assert 0 < len(said) < 10


def test_a_trial_that_cannot_be_written_leaves_nothing(tmp_path):
    path = tmp_path / "s.db"
    with Store("s", SPEC, str(path)) as store:
        store.add(complete(0))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("drop table trial_user_attributes")
        with pytest.raises(Exception, match="trial_user_attributes"):
            store.add(complete(1, width=4))
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("select count(*) from trials").fetchone() == (1,)
        (count,) = connection.execute(
            "select count(distinct trial_id) from trial_params"
        ).fetchone()
        assert count == 1


def test_values_that_are_not_finite_are_written_by_optuna(tmp_path):
    result = complete(0).model_copy(update={"score": float("inf")})
    with Store("s", SPEC, str(tmp_path / "s.db")) as store:
        store.add(result)
    study = plain_optuna(f"sqlite:///{tmp_path / 's.db'}")
    assert study.trials[0].value == float("inf")
