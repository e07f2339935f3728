import math
from dataclasses import replace

from enas_inr.objectives.options import PsnrFlopsOptions, TargetOptions
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.objectives.smallest import Smallest
from enas_inr.result import best_of
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import ExhaustiveOptions
from enas_inr.testing.lookup import LookupExecutor, lookup_space, simulate
from tests.present import present

AXES = {"width": (16, 32, 64), "depth": (1, 2, 3)}


def test_it_trains_every_feasible_architecture_once_the_cheapest_first():
    space = lookup_space(AXES, 10**9)
    executor = LookupExecutor(lambda spec: 30.0)
    history = simulate(Exhaustive(space), space, PsnrFlops(), executor)
    costs = [result.trial.cost.flops for result in history]
    assert costs == sorted(costs)
    assert len({result.key for result in history}) == len(history) == 9


def test_its_trace_is_one_comparison_that_chooses_the_best():
    space = lookup_space(AXES, 10**9)
    strategy = Exhaustive(space)
    history = simulate(
        strategy, space, PsnrFlops(), LookupExecutor(lambda s: s.width + 2 * s.depth)
    )
    (step,) = strategy.trace(history)
    assert len(step.candidates) == 9
    assert step.choice == present(best_of(history)).key


def test_it_never_leaves_the_budget():
    space = lookup_space(AXES, 100_000_000)
    executor = LookupExecutor(lambda spec: 30.0)
    history = simulate(Exhaustive(space), space, PsnrFlops(), executor)
    assert history
    assert all(result.trial.cost.flops <= 100_000_000 for result in history)


def test_an_empty_history_has_no_trace():
    assert Exhaustive(lookup_space(AXES, 10**9)).trace([]) == []


def test_a_share_of_the_cells_is_trained_with_all_repeats_but_two_cells_at_least():
    space = replace(lookup_space({"grid": (1, 2, 8), "width": (8,)}, 10**9), repeats=3)
    strategy = Exhaustive(space, ExhaustiveOptions(cells=0.25))
    asked = strategy.propose([], (), 10)
    assert {one.grid: present(one.fidelity).count(space.cells(one)) for one in asked} == {
        1: 1,
        2: 2,
        8: 16,
    }
    assert {present(one.fidelity).repeats for one in asked} == {3}


def test_a_search_of_a_share_trains_each_configuration_once():
    space = lookup_space(AXES, 10**9)
    strategy = Exhaustive(space, ExhaustiveOptions(cells=0.25))
    executor = LookupExecutor(lambda spec: 30.0 + spec.width)
    history = simulate(strategy, space, PsnrFlops(), executor)
    assert len({result.key for result in history}) == len(history) == 9
    assert {present(result.sample).cells for result in history} == {16}


def test_what_cannot_be_better_even_if_perfect_can_be_left_out():
    def promise(one):
        return 84 - 7 * math.log10(one.cost.flops)  # the ceiling is 90 dB in the usual convention

    space = replace(lookup_space(AXES, 10**9), promise=promise)
    objective = PsnrFlops(PsnrFlopsOptions(ceiling_db=84 + PSNR_OFFSET_DB))
    few, everything = (
        simulate(
            Exhaustive(space, ExhaustiveOptions(promising=promising, racing=False)),
            space,
            objective,
            LookupExecutor(lambda spec: 50.0 + 10 * spec.width * spec.depth / 16),
        )
        for promising in (True, False)
    )
    best = present(best_of(everything))
    assert present(best_of(few)).key == best.key
    assert len(few) < len(everything) == 9
    left_out = {r.key for r in everything} - {r.key for r in few}
    assert all(promise(one) < present(best.score) for one in space.feasible if one.key in left_out)


def test_what_falls_short_leaves_nothing_out():
    space = replace(
        lookup_space(AXES, 10**9), worth=0.0, promise=lambda one: -10 * math.log10(one.cost.bytes)
    )
    history = simulate(
        Exhaustive(space, ExhaustiveOptions(promising=True)),
        space,
        Smallest(TargetOptions(target_psnr_db=40)),
        LookupExecutor(lambda spec: 20.0 if spec.width < 64 else 40.0),
    )
    assert present(best_of(history)).trial.ensemble.width == 64
    assert len(history) == 7  # six that fall short, and the smallest with 64
