from dataclasses import replace

from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import best_of
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
