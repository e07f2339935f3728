import random
from itertools import permutations

import pytest

from enas_inr.result import (
    Curve,
    RepeatResult,
    SearchResult,
    TraceStep,
    TrialResult,
    TrialStatus,
    best_of,
    directions,
    objective_values,
    pareto_front,
)
from enas_inr.spec import (
    PSNR_OFFSET_DB,
    Axis,
    Cost,
    EnsembleSpec,
    SearchSpace,
    SignalInfo,
    StudySpec,
    TrainingSpec,
    TrialSpec,
)
from tests.present import present


def trial(number=0, psnr=30.0, flops=100, score=-5.0, status=TrialStatus.COMPLETE):
    complete = status is TrialStatus.COMPLETE
    return TrialResult(
        trial=TrialSpec(
            number=number,
            ensemble=EnsembleSpec(width=number + 1),
            cost=Cost(flops=flops, parameters=7, bytes=28),
            training=TrainingSpec(),
            repeats=1,
            seed=0,
        ),
        status=status,
        repeats=(RepeatResult(status=status, steps=1, psnr_paper_db=psnr if complete else None),),
        score=score if complete else None,
    )


def trial_result(number=0, score=None, flops=100, parameters=10, psnrs=(30.0, 32.0)):
    trial = TrialSpec(
        number=number,
        ensemble=EnsembleSpec(width=number + 1),
        cost=Cost(flops=flops, parameters=parameters, bytes=4 * parameters),
        training=TrainingSpec(),
        repeats=len(psnrs),
        seed=0,
    )
    repeats = tuple(
        RepeatResult(status=TrialStatus.COMPLETE, steps=500, psnr_paper_db=psnr, best_step=499)
        for psnr in psnrs
    )
    return TrialResult(trial=trial, status=TrialStatus.COMPLETE, repeats=repeats, score=score)


def test_a_result_goes_to_json_and_back():
    curve = Curve(steps=(1, 2), psnr_paper_db=((1.25, None), (None, 2.5)))
    result = trial_result(score=-1.5).model_copy(update={"curve": curve, "versions": {"a": "1"}})
    assert TrialResult.model_validate_json(result.model_dump_json()) == result


def test_the_usual_psnr_is_six_decibels_above_the_papers():
    assert round(PSNR_OFFSET_DB, 4) == 6.0206
    result = trial_result(psnrs=(30.0, 32.0))
    assert (result.psnr_paper_db, result.psnr_db) == (31.0, 31.0 + PSNR_OFFSET_DB)
    assert result.psnr_std_db == pytest.approx(2**0.5)
    assert trial_result(psnrs=(30.0,)).psnr_std_db == 0


def test_a_trial_that_is_not_complete_has_no_psnr():
    result = trial_result().model_copy(update={"status": TrialStatus.DIVERGED})
    assert (result.psnr_paper_db, result.psnr_db) == (None, None)


def test_the_best_trial_has_the_best_score_then_fewer_flops_then_fewer_parameters():
    low = trial_result(0, score=1.0, flops=1, parameters=1)
    dear = trial_result(1, score=2.0, flops=9, parameters=1)
    large = trial_result(2, score=2.0, flops=5, parameters=9)
    small = trial_result(3, score=2.0, flops=5, parameters=5)
    failed = trial_result(4, score=None, flops=1)
    assert best_of([low, dear, large, small, failed]) == small
    assert best_of([failed]) is None
    assert best_of([]) is None


def test_of_equally_good_trials_the_same_one_is_best_in_whatever_order_they_ended():
    equal = [trial_result(number, score=2.0) for number in range(3)]
    assert {present(best_of(order)).key for order in permutations(equal)} == {equal[0].key}


def test_a_search_result_is_a_table_and_a_dictionary():
    best, other = trial_result(0, score=2.0), trial_result(1, score=1.0)
    step = TraceStep(1, "width", (best, other), best.key)
    lost = TraceStep(2, "depth", (other,), None)
    spec = StudySpec(
        signal=SignalInfo(name="photo", modality="image", shape=(12, 16), channels=3),
        space=SearchSpace(base=EnsembleSpec(), axes=(Axis(name="width", values=(1, 2)),)),
    )
    result = SearchResult("s", "sqlite:///s.db", spec, best, (step, lost), (best, other), 1.23456)
    data = result.to_dict()
    assert data["best"] == data["trials"][0]
    assert [(s["axis"], s["choice"]) for s in data["trace"]] == [("width", 0), ("depth", None)]
    assert (data["study"], data["storage"], data["seconds"]) == ("s", "sqlite:///s.db", 1.235)
    assert list(result.to_dataframe()["width"]) == [1, 2]


def test_values_and_directions_by_name():
    result = trial()
    names = ("flops", "psnr", "bytes", "parameters", "score")
    assert objective_values(result, names) == (100, result.psnr_db, 28, 7, -5.0)
    assert directions(names) == ["minimize", "maximize", "minimize", "minimize", "maximize"]


def test_without_objectives_it_is_the_score_and_there_is_no_front():
    assert objective_values(trial(), ()) == (-5.0,)
    assert directions(()) == ["maximize"]
    assert pareto_front([trial()], ()) == ()


@pytest.mark.parametrize("status", [TrialStatus.DIVERGED, TrialStatus.FAILED])
def test_a_trial_that_is_not_complete_has_no_values_and_is_in_no_front(status):
    assert objective_values(trial(status=status), ("flops",)) is None
    assert pareto_front([trial(status=status, flops=1), trial(1)], ("flops",)) == (trial(1),)


def test_the_front_is_what_nothing_beats_by_flops():
    generator = random.Random(4)
    results = [
        trial(number, psnr=float(generator.randrange(20)), flops=generator.randrange(1, 20))
        for number in range(60)
    ]
    front = pareto_front(results, ("psnr", "flops"))

    def beaten(one):
        pair = one.psnr_db, one.trial.cost.flops
        others = [(o.psnr_db, o.trial.cost.flops) for o in results]
        return any(p >= pair[0] and f <= pair[1] and (p, f) != pair for p, f in others)

    assert 1 < len(front) < 60
    assert {r.key for r in front} == {r.key for r in results if not beaten(r)}
    flops = [r.trial.cost.flops for r in front]
    assert flops == sorted(flops)


def test_equals_do_not_beat_each_other():
    assert len(pareto_front([trial(0), trial(1)], ("psnr", "flops"))) == 2


def test_the_mean_curve_leaves_out_steps_at_which_a_repeat_is_not_finite():
    curve = Curve(steps=(1, 5, 9), psnr_paper_db=((1.0, None, 3.0), (2.0, 4.0, 6.0)))
    assert curve.mean() == {1: 1.5, 9: 4.5}
    assert Curve().mean() == {}
