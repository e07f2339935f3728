"""What is read of a study without the rest of its trials."""

import optuna
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from enas_inr.result import Picture
from enas_inr.studies import attributes
from enas_inr.studies.attributes import count_trials, system_attributes, user_attributes
from enas_inr.studies.pictures import ATTRIBUTE
from enas_inr.studies.reading import find_pictures, read_study
from enas_inr.studies.storage import open_storage, study_id
from enas_inr.studies.store import Store
from enas_inr.studies.trials import RESULT_ATTRIBUTE
from tests.optuna_studies import plain_storage
from tests.studies.stored import SPEC, complete, diverged

PICTURE = Picture(".png", "image/png", b"not a picture")


def write(storage, trials):
    """Two studies in one storage; every third trial of `s` has a picture."""
    with Store("other", SPEC, storage) as store:
        store.add(complete(0))
    with Store("s", SPEC, storage) as store:
        for number in range(trials):
            result = diverged(number) if number == 1 else complete(number)
            store.add(result, None if number % 3 else PICTURE)


@pytest.mark.parametrize("known", [True, False])
def test_they_are_those_that_optuna_reads(storage, known, monkeypatch):
    if not known:
        monkeypatch.setattr(attributes, "SCHEMA", "another")
    write(storage, 5)
    backend = open_storage(storage)
    number = study_id("s", storage, backend)
    trials = backend.get_all_trials(number)
    assert list(user_attributes(backend, number, RESULT_ATTRIBUTE)) == [
        (trial.number, trial.user_attrs[RESULT_ATTRIBUTE]) for trial in trials
    ]
    assert count_trials(backend, number) == 5
    assert list(user_attributes(backend, number, "no such")) == [(i, None) for i in range(5)]
    found = system_attributes(backend, number, ATTRIBUTE)
    assert found == {t.number: t.system_attrs for t in trials if t.system_attrs}
    assert sorted(found) == [0, 3]


def test_the_trials_of_another_program_have_none(database):
    study = optuna.create_study(storage=plain_storage(database), study_name="s")
    study.add_trial(optuna.trial.create_trial(value=1.0, user_attrs={"a": [1, "x"]}))
    study.ask()
    backend = open_storage(database)
    number = study_id("s", database, backend)
    assert list(user_attributes(backend, number, "a")) == [(0, [1, "x"]), (1, None)]


def test_more_trials_need_no_more_statements(tmp_path):
    def statements(trials, read):
        storage = f"sqlite:///{tmp_path / str(trials)}.db"
        said = []

        def note(*arguments):
            said.append(arguments[2])

        event.listen(Engine, "before_cursor_execute", note)
        try:
            read(storage)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(said)

    for trials in (4, 12):
        write(f"sqlite:///{tmp_path / str(trials)}.db", trials)

    def resume(storage):
        with Store("s", SPEC, storage) as store:
            assert store.count() == len(store.results())
            store.add(complete(0, width=8))

    for read in (
        lambda storage: read_study("s", storage),
        lambda storage: find_pictures("s", storage),
        resume,
    ):
        assert 0 < statements(4, read) == statements(12, read)
