import random

import pytest

from enas_inr.result import (
    Curve,
    RepeatResult,
    TrialResult,
    TrialStatus,
    directions,
    objective_values,
    pareto_front,
)
from enas_inr.spec import Cost, EnsembleSpec, TrainingSpec, TrialSpec


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
