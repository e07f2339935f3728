import json

import optuna
import pytest

from enas_inr.errors import StudyError
from enas_inr.studies.reading import read_study
from enas_inr.studies.store import Store
from enas_inr.studies.trials import SPEC_ATTRIBUTE
from tests.optuna_studies import plain_optuna, plain_storage
from tests.studies.stored import SPEC, refused


def test_the_settings_of_a_study_are_read_without_owning_it(storage):
    with Store("photo-8", SPEC, storage):
        assert read_study("photo-8", storage)[0] == SPEC
    with pytest.raises(StudyError, match=r"no study 'photo-9' in .*; did you mean 'photo-8'"):
        read_study("photo-9", storage)


@pytest.mark.parametrize(
    ("directions", "trials"),
    [(["maximize"], 1), (["minimize"], 0), (["maximize", "maximize"], 0)],
    ids=["with-a-trial", "minimises", "two-objectives"],
)
def test_a_study_of_another_program_is_refused_and_not_changed(database, directions, trials):
    foreign = optuna.create_study(
        storage=plain_storage(database), study_name="s", directions=directions
    )
    for _ in range(trials):
        foreign.add_trial(optuna.trial.create_trial(value=1.0))
    assert "was not made by enas-inr" in refused("s", SPEC, database)
    with pytest.raises(StudyError, match="was not made by enas-inr"):
        read_study("s", database)
    again = plain_optuna(database)
    assert SPEC_ATTRIBUTE not in again.user_attrs
    assert len(again.trials) == trials


def test_a_trial_added_by_another_program_is_refused(database):
    with Store("s", SPEC, database) as store:
        plain_optuna(database).add_trial(optuna.trial.create_trial(value=1.0))
        with pytest.raises(StudyError, match="trial 0 was not written by enas-inr"):
            store.results()


def test_the_settings_are_readable_in_the_study(database):
    with Store("s", SPEC, database):
        text = plain_optuna(database).user_attrs[SPEC_ATTRIBUTE]
    assert json.loads(text)["signal"]["name"] == "photo"
