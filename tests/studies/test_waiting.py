"""Searches in virtual time: how long workers wait, and that training ahead changes no decision."""

import random
import statistics
from dataclasses import replace

import pytest

from enas_inr.executors.base import Executor, given
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import best_of, compared
from enas_inr.spec import Range
from enas_inr.strategies.base import Strategy, one_comparison
from enas_inr.strategies.coordinate import CoordinateAscent
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import CoordinateOptions
from enas_inr.strategies.race import Race
from enas_inr.testing.lookup import lookup_space, simulate, toy_table
from enas_inr.testing.simulated import SimulatedExecutor, lognormal_seconds
from tests.present import present

NO_LIMIT = 10**15
SIZES = lookup_space({"width": range(8, 209, 8), "depth": range(1, 9)}, NO_LIMIT)
LINES = lookup_space(
    {
        "grid": (2, 4, 8, 16, 32),
        "width": (8, 16, 24, 32, 48),
        "depth": (1, 2, 3, 4, 5),
        "siren.omega_first": (10.0, 20.0, 30.0, 45.0, 60.0),
        "learning_rate": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    },
    NO_LIMIT,
)
SMALL = lookup_space({"grid": (2, 4, 8), "width": (8, 16, 32, 64), "depth": (1, 2, 3)}, NO_LIMIT)
RATES = lookup_space(
    {"learning_rate": Range(low=1e-4, high=1e-2, log=True), "width": (8, 16, 32, 64)}, NO_LIMIT
)


class Shuffled(Strategy):
    """Like random sampling without batches: it could learn from each result, and never waits."""

    def __init__(self, space):
        self.specs = [candidate.spec for candidate in space.feasible]
        random.Random(space.seed).shuffle(self.specs)

    def one_by_one(self):
        return True

    def propose(self, history, pending, n):
        return self.specs[len(history) + len(pending) :][:n]

    def trace(self, history):
        return one_comparison(history)


class Barrier(Executor):
    """Waits for all trials of a batch."""

    def __init__(self, inner):
        self.inner = inner

    def run(self, trials):
        while taken := trials.take(1, 16):
            yield from self.inner.run(given(taken))


def idle(make, space, seeds, barrier=False):
    """The mean share of idle time of 16 workers."""
    shares = []
    for seed in range(seeds):
        own = replace(space, seed=seed)
        workers = SimulatedExecutor(toy_table(own, seed), 16, lognormal_seconds(1, seed))
        simulate(make(own), own, PsnrFlops(), Barrier(workers) if barrier else workers)
        shares.append(workers.idle)
    return statistics.fmean(shares)


def test_a_barrier_would_let_workers_wait_most_of_the_time():
    assert idle(Exhaustive, SIZES, 4, barrier=True) > 0.7
    assert idle(CoordinateAscent, LINES, 4, barrier=True) > 0.8


@pytest.mark.parametrize(
    ("make", "space", "most"),
    [
        (Exhaustive, SIZES, 0.27),
        (Shuffled, SIZES, 0.27),
        (Race, SIZES, 0.27),
        (CoordinateAscent, LINES, 0.45),
    ],
)
def test_without_one_they_mostly_wait_at_the_end_of_the_search(make, space, most):
    assert idle(make, space, 10) <= most


def test_the_likely_winner_of_a_race_goes_on_while_the_last_trials_of_a_round_are_trained():
    keys = [spec.spec.key() for spec in SMALL.feasible]
    slow = keys[0]
    executor = SimulatedExecutor(
        toy_table(SMALL, 3), 4, lambda trial: 99.0 if trial.configuration.key() == slow else 1.0
    )
    history = simulate(Race(SMALL), SMALL, PsnrFlops(), executor)
    ended = [result.key for result in history].index(slow)
    winner = Race(SMALL).trace(history)[-1].choice
    before = [result.fidelity.cells for result in history[:ended] if result.key == winner]
    assert before == sorted(before)
    assert before[-1] == 1.0
    assert ended == len(history) - 1


def rugged(seed):
    """A table without any order in it, in which a few configurations diverge."""

    def psnr(spec):
        draw = random.Random(f"{seed} {spec.key()}")
        return draw.uniform(20, 60) if draw.random() < 0.9 else None

    return psnr


def even(spec):
    """A table in which nothing but the cost makes a configuration better than another."""
    return 40.0


def outcome(make, space, psnr, workers, seed=0):
    """The decisions, the winner and all trials of a search."""
    executor = SimulatedExecutor(psnr, workers, lognormal_seconds(1.5, seed))
    strategy = make(space)
    history = simulate(strategy, space, PsnrFlops(), executor)
    trace = strategy.trace(history)
    steps = [(s.iteration, s.axis, [r.key for r in s.candidates], s.choice) for s in trace]
    best = best_of(compared(history, trace))
    trained = [(r.key, r.fidelity.cells, r.fidelity.repeats) for r in history]
    return steps, (present(best).key, present(best).fidelity), trained


def racing(space):
    """Coordinate ascent whose lines race."""
    return CoordinateAscent(space, CoordinateOptions(racing=True))


@pytest.mark.parametrize("exact", [True, False], ids=["in full", "as far as needed"])
@pytest.mark.parametrize("space", [SMALL, RATES], ids=["sizes", "a range"])
@pytest.mark.parametrize("make", [CoordinateAscent, racing, Race])
def test_what_is_trained_ahead_changes_no_decision_whatever_the_order_of_the_trials(
    make, space, exact
):
    ahead = 0
    space = replace(space, exact=exact)
    for seed in range(6):
        psnr = (toy_table(space, seed), rugged(seed), even)[seed % 3]
        steps, winner, trained = outcome(make, space, psnr, workers=1)
        for workers in (2, 5, 16):
            other = outcome(make, space, psnr, workers, seed)
            assert other[:2] == (steps, winner)
            assert len(set(other[2])) == len(other[2])
            assert set(trained) <= set(other[2])
            ahead += len(other[2]) - len(trained)
    assert ahead > 0


@pytest.mark.parametrize("make", [CoordinateAscent, racing, Race])
def test_a_single_worker_trains_nothing_ahead(make):
    steps, _, trained = outcome(make, SMALL, toy_table(SMALL, 1), workers=1)
    assert {key for _, _, keys, _ in steps for key in keys} == {key for key, *_ in trained}
