import optuna
import pytest
from optuna.trial import TrialState

from enas_inr.errors import StudyError
from enas_inr.result import Curve
from enas_inr.spec import (
    TrainingSpec,
)
from enas_inr.studies.reading import read_study
from enas_inr.studies.store import Store
from tests.optuna_studies import plain_optuna
from tests.studies.stored import SPEC, complete, diverged, failed, refused


def usual(curve):
    """A curve in the usual convention, of one in the paper's."""
    return pytest.approx({step: psnr + 6.0206 for step, psnr in curve.items()}, abs=1e-4)


@pytest.mark.parametrize("make", [complete, diverged, failed])
def test_a_result_comes_back_as_it_was_written(storage, make):
    with Store("s", SPEC, storage) as store:
        store.add(make(0))
        assert store.results() == [make(0)]
    with Store("s", SPEC, storage) as store:
        assert store.results() == [make(0)]


def test_a_new_study_has_no_results(storage):
    with Store("s", SPEC, storage) as store:
        assert store.results() == []


def test_a_study_that_is_continued_keeps_its_order(storage):
    results = [
        complete(0, width=16),
        failed(1, width=4),
        diverged(2, width=8),
        complete(3, depth=2),
    ]
    for result in results:
        with Store("s", SPEC, storage) as store:
            store.add(result)
    with Store("s", SPEC, storage) as store:
        assert store.results() == results
    assert [t.number for t in plain_optuna(storage).trials] == [0, 1, 2, 3]


def test_plain_optuna_reads_a_complete_trial(storage):
    with Store("s", SPEC, storage) as store:
        store.add(complete(0, width=8, depth=2))
    study = plain_optuna(storage)
    (row,) = study.trials
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert row.state == TrialState.COMPLETE
    assert row.params == {"width": 8, "depth": 2}
    assert row.distributions["width"].choices == (4, 8, 16)
    assert row.value == study.best_value == -12.5
    assert row.intermediate_values == usual({2: 10.5, 4: 30.5})
    assert row.duration.total_seconds() == pytest.approx(1.23456)
    readable = row.user_attrs
    assert readable["architecture"] == "siren M=2 d=2 w=8"
    assert readable["status"] == "complete"
    assert readable["psnr_paper_db"] == 30.5
    assert readable["psnr_db"] == pytest.approx(36.5206, abs=1e-4)
    assert readable["psnr_db_repeats"] == pytest.approx([36.0206, 37.0206], abs=1e-4)
    assert (readable["flops"], readable["parameters"], readable["bytes"]) == (8000, 80, 320)
    assert (readable["seconds"], readable["device"]) == (1.235, "cpu")
    assert readable["versions"] == {"torch": "2"}


@pytest.mark.parametrize(
    ("make", "state"), [(diverged, TrialState.PRUNED), (failed, TrialState.FAIL)]
)
def test_plain_optuna_reads_why_a_trial_has_no_value(storage, make, state):
    with Store("s", SPEC, storage) as store:
        store.add(make(0, width=16))
    (row,) = plain_optuna(storage).trials
    assert (row.state, row.value, row.intermediate_values) == (state, None, {})
    assert row.params == {"width": 16, "depth": 1}
    assert row.user_attrs["status"] == make(0).status.value
    assert row.user_attrs["message"] == make(0).message
    assert row.user_attrs["psnr_db"] is None


def test_there_is_one_row_for_a_trial_and_none_is_running(storage):
    results = [complete(0), diverged(1), failed(2)]
    with Store("s", SPEC, storage) as store:
        for count, result in enumerate(results, start=1):
            store.add(result)
            rows = plain_optuna(storage).trials
            assert len(rows) == count
            assert all(row.state.is_finished() for row in rows)


def test_a_curve_with_gaps_is_stored_where_all_repeats_are_known(database):
    curve = Curve(steps=(1, 2), psnr_paper_db=((1.0, 2.0), (None, 4.0)))
    with Store("s", SPEC, database) as store:
        store.add(complete(0).model_copy(update={"curve": curve}))
    assert plain_optuna(database).trials[0].intermediate_values == usual({2: 3.0})


def test_plain_optuna_sees_several_objectives_and_their_front(storage):
    spec = SPEC.model_copy(update={"objectives": ("psnr", "flops")})
    results = [complete(0, width=8), diverged(1), failed(2), complete(3, width=4)]
    with Store("s", spec, storage) as store:
        for result in results:
            store.add(result)
    study = plain_optuna(storage)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["psnr", "flops"]
    assert study.trials[0].values == [results[0].psnr_db, 8000]
    assert study.trials[0].intermediate_values == usual({2: 10.5, 4: 30.5})
    assert [row.number for row in study.best_trials] == [3]
    assert read_study("s", storage) == (spec, results)
    message = refused("s", SPEC, storage)
    assert "objectives: -, not ['psnr', 'flops']" in message


def test_two_studies_share_a_storage(storage):
    with Store("one", SPEC, storage) as one, Store("two", SPEC, storage) as two:
        one.add(complete(0))
        assert two.results() == []


def test_a_study_with_other_settings_is_refused_and_every_difference_listed(storage):
    with Store("s", SPEC, storage) as store:
        store.add(complete(0))
    other = SPEC.model_copy(update={"repeats": 3, "training": TrainingSpec(steps=7)})
    message = refused("s", other, storage)
    assert "has different settings" in message
    assert "repeats: 3, not 5; training.steps: 7, not 500; " in message
    assert "choose another --study" in message
    with Store("s", SPEC, storage) as store:
        assert store.results() == [complete(0)]


def test_a_result_outside_the_space_is_refused_and_nothing_written(database):
    with Store("s", SPEC, database) as store:
        with pytest.raises(StudyError, match=r"cannot be used: '?5'? not in"):
            store.add(complete(0, width=5))
        assert store.results() == []


def test_the_log_level_of_optuna_is_not_changed(database, capfd):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with Store("s", SPEC, database) as store:
        store.add(complete(0))
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
