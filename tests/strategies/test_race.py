"""Races on lookup tables whose cells differ, and a race of real trainings."""

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest

from enas_inr.errors import SpecError
from enas_inr.objectives.options import TargetOptions
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.objectives.smallest import Smallest
from enas_inr.result import best_of, compared
from enas_inr.spec import EnsembleSpec
from enas_inr.strategies.options import RaceOptions
from enas_inr.strategies.race import Race
from enas_inr.testing.lookup import LookupExecutor, MemoryRecords, lookup_space, simulate, toy_table
from tests.present import present

AXES = {"width": (8, 16, 32, 64), "depth": (1, 2, 3)}
GIGA = 10**9


def race(space, psnr, records=None, *, exact=False, **options):
    space = replace(space, exact=exact)
    strategy = Race(space, RaceOptions(**options))
    executor = LookupExecutor(psnr)
    history = simulate(strategy, space, PsnrFlops(), executor, records)
    return history, strategy.trace(history)


@pytest.mark.parametrize("seed", range(8))
def test_it_finds_the_best_with_a_part_of_the_cells(seed):
    space = lookup_space(AXES, GIGA)
    table = toy_table(space, seed)
    history, trace = race(space, table)
    best = present(best_of(history))
    assert best.key == table.best.key() == trace[-1].choice
    shares: dict[str, float] = {}
    for result in history:
        shares[result.key] = max(result.fidelity.cells, shares.get(result.key, 0))
    assert sum(shares.values()) < 0.5 * len(space.feasible)


def test_what_cannot_win_is_dropped_and_the_rest_continued():
    space = lookup_space(AXES, GIGA)
    _, trace = race(space, toy_table(space, 1))
    counts = [len(step.candidates) for step in trace]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(space.feasible) > counts[1]
    for earlier, later in pairwise(trace):
        assert {r.key for r in later.candidates} <= {r.key for r in earlier.candidates}


def test_nothing_is_trained_twice_at_a_fidelity():
    space = lookup_space({**AXES, "grid": (1, 2, 8)}, GIGA)
    history, _ = race(space, toy_table(space, 2))
    amounts = [(r.key, r.fidelity.cells) for r in history]
    assert len(set(amounts)) == len(amounts)


def test_the_winner_is_known_within_the_interval():
    space = lookup_space(AXES, GIGA)
    history, _ = race(space, toy_table(space, 3), interval=0.5)
    assert present(best_of(history)).interval_db <= 0.5


def test_in_the_papers_profile_the_winner_is_trained_in_full():
    space = lookup_space(AXES, GIGA)
    history, trace = race(space, toy_table(space, 3), exact=True)
    winner = present(best_of(history))
    assert winner.fidelity.cells == 1
    assert winner.key == trace[-1].choice


def test_an_interrupted_race_continues():
    space = lookup_space(AXES, GIGA)
    table = toy_table(space, 4)
    whole, trace = race(space, table)
    for kept in random.Random(0).sample(range(len(whole)), 6):
        records = MemoryRecords()
        records.kept = list(whole[:kept])
        again, trace_again = race(space, table, records)
        assert [r.key for r in again] == [r.key for r in whole]
        assert [s.choice for s in trace_again] == [s.choice for s in trace]


def test_diverged_trials_leave_the_race():
    space = lookup_space(AXES, GIGA)
    history, _ = race(space, lambda spec: None if spec.width > 8 else 30.0)
    assert present(best_of(history)).trial.ensemble.width == 8
    history, trace = race(space, lambda spec: None)
    assert best_of(history) is None
    assert trace[-1].choice is None


def test_it_compares_by_the_score_alone():
    space = replace(lookup_space(AXES, GIGA), objectives=("psnr", "flops"))
    with pytest.raises(SpecError, match="a race maximises the score alone"):
        Race(space)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_it_makes_a_share_of_the_steps_before_it_takes_more_cells(seed, exact):
    space = lookup_space(AXES, GIGA)
    table = toy_table(space, seed)
    history, trace = race(space, table, exact=exact, steps=0.25, doubt=1.0)
    assert present(best_of(history)).key == table.best.key() == trace[-1].choice
    assert present(best_of(history)).fidelity.steps == 1
    assert len(history) <= Race(space, RaceOptions(steps=0.25)).rounds() * len(space.feasible)
    for step, share in zip(trace, (0.25, 0.5, 1.0, 1.0), strict=False):
        if len(step.candidates) > 1:  # the race is not over
            assert {r.fidelity.steps for r in step.candidates} == {share}
    assert len({r.fidelity.cells for r in history if r.fidelity.steps < 1}) == 1
    for result in history:  # what is trained further goes on
        if result.fidelity.steps > 0.25 and result.fidelity.cells < 0.1:
            assert present(result.trial.part).first_step == result.trial.steps // 2


def test_doubt_keeps_more_of_them_while_their_steps_are_not_all_made():
    space = lookup_space(AXES, GIGA)
    table = toy_table(space, 1)
    sure, doubtful = (race(space, table, steps=0.25, doubt=doubt)[1] for doubt in (0.0, 12.0))
    assert len(sure[1].candidates) < len(doubtful[1].candidates)
    assert sure[-1].choice == doubtful[-1].choice


@pytest.mark.parametrize("grid", range(6, 26))
def test_where_the_winner_falls_short_the_others_race_again(grid):
    """What seems good enough on a few cells may not be so on all of them."""

    def psnr(spec):
        return 20 + 0.5 * spec.width  # usual convention: 6.02 more

    widths = tuple(range(8, 48))
    space = lookup_space({"width": widths, "depth": (1,)}, GIGA, EnsembleSpec(grid=grid))
    space = replace(
        space, exact=False, worth=0.0, promise=lambda one: -10 * math.log10(one.cost.bytes)
    )
    objective = Smallest(TargetOptions(target_psnr_db=38.5))
    strategy = Race(space, RaceOptions(samples=1, least=3))
    history = simulate(strategy, space, objective, LookupExecutor(psnr))
    best = present(best_of(compared(history, strategy.trace(history))))
    assert present(best.psnr_db) - best.interval_db >= 38.5
    assert best.trial.ensemble.width in (25, 26)  # 25 reaches 20 + 12.5 + 6.02 dB
    assert best.interval_db <= 0.3
