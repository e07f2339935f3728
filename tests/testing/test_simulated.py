"""Workers in virtual time, with durations for which the course can be told by hand."""

import statistics

import pytest

from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.testing.lookup import lookup_space, simulate
from enas_inr.testing.simulated import SimulatedExecutor, lognormal_seconds

SPACE = lookup_space({"width": (10, 20, 30, 40)}, 10**9)


def run(workers, seconds):
    executor = SimulatedExecutor(lambda spec: 30.0, workers, seconds)
    history = simulate(Exhaustive(SPACE), SPACE, PsnrFlops(), executor)
    return executor, [result.trial.ensemble.width for result in history]


def test_trials_end_when_they_would():
    executor, ended = run(2, lambda trial: trial.ensemble.width)
    # One worker trains 10 and then 30, the other one 20 and then 40.
    assert ended == [10, 20, 30, 40]
    assert executor.clock == 60
    assert executor.idle == pytest.approx(20 / 120)
    executor, ended = run(2, lambda trial: 50 - trial.ensemble.width)
    assert ended == [20, 10, 30, 40]  # from 0 to 30 and to 40, from 30 to 50 and from 40 to 50
    assert executor.idle == 0
    assert [trial.ensemble.width for trial in executor.trained] == ended


def test_a_worker_that_nothing_is_left_for_is_idle():
    executor, _ = run(5, lambda trial: 1.0)
    assert executor.idle == pytest.approx(1 / 5)


def test_durations_are_lognormal_and_belong_to_the_trial():
    space = lookup_space({"width": range(8, 4008, 4)}, 10**12)
    executor = SimulatedExecutor(lambda spec: 30.0, 4, lognormal_seconds(1, seed=3))
    simulate(Exhaustive(space), space, PsnrFlops(), executor)
    drawn = [lognormal_seconds(1, seed=3)(trial) for trial in executor.trained]
    assert executor.busy == pytest.approx(sum(drawn))
    assert statistics.median(drawn) == pytest.approx(1, rel=0.1)
    assert statistics.fmean(drawn) == pytest.approx(1.65, rel=0.1)  # exp(1/2)
    assert lognormal_seconds(1, seed=4)(executor.trained[0]) != drawn[0]
