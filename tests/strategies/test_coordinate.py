"""Algorithm 1 on lookup tables, compared with an independent implementation."""

import math
import random
from dataclasses import replace

import pytest

from enas_inr.errors import BudgetError, SpecError
from enas_inr.objectives.options import PsnrFlopsOptions
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import best_of
from enas_inr.spec import EnsembleSpec, Range
from enas_inr.strategies.coordinate import CoordinateAscent
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import CoordinateOptions
from enas_inr.testing.lookup import (
    LookupExecutor,
    MemoryRecords,
    lookup_space,
    simulate,
    toy_table,
)
from tests.present import present

PAPER = {"width": (16, 32, 64, 128, 256, 512), "depth": (1, 2, 3, 4, 5)}
GIGA = 10**9


def sizes(specs):
    return [(spec.width, spec.depth) for spec in specs]


def run(psnr, axes=PAPER, max_flops=GIGA, alpha=7.0, records=None, **options):
    space = lookup_space(axes, max_flops)
    executor = LookupExecutor(psnr)
    strategy = CoordinateAscent(space, CoordinateOptions(**options))
    objective = PsnrFlops(PsnrFlopsOptions(alpha=alpha))
    history = simulate(strategy, space, objective, executor, records)
    return history, strategy.trace(history), executor


def test_first_line_search_is_over_width_at_the_start_depth_and_leaves_out_the_infeasible():
    _, trace, executor = run(lambda spec: 30.0)
    assert sizes(executor.trained)[:3] == [(16, 3), (32, 3), (64, 3)]  # (128, 3) is over 1 G
    assert (trace[0].iteration, trace[0].axis) == (1, "width")
    assert (trace[1].iteration, trace[1].axis) == (1, "depth")


def test_the_infeasible_start_is_never_trained():
    _, _, executor = run(lambda spec: spec.width)
    assert (256, 3) not in sizes(executor.trained)
    assert all(spec.width <= 128 for spec in executor.trained)


def test_each_line_search_is_proposed_as_one_batch():
    space = lookup_space(PAPER, GIGA)
    assert len(CoordinateAscent(space).propose([], [], 64)) == 3


def test_pending_architectures_are_not_proposed_again_and_n_is_respected():
    space = lookup_space(PAPER, GIGA)
    strategy = CoordinateAscent(space)
    first = strategy.propose([], [], 1)
    assert sizes(first) == [(16, 3)]
    assert sizes(strategy.propose([], first, 64)) == [(32, 3), (64, 3)]
    assert strategy.propose([], strategy.propose([], [], 64), 64) == []


def test_it_moves_to_the_best_of_each_line_and_stops_when_a_pass_changes_nothing():
    # The quality is best for depth 2 and width 32; the cost does not matter (alpha 0).
    quality = {(32, 3): 40, (32, 2): 50, (64, 2): 45}
    history, trace, executor = run(
        lambda spec: quality.get((spec.width, spec.depth), 10.0), alpha=0.0
    )
    assert [step.axis for step in trace] == ["width", "depth", "width", "depth"]
    assert sizes([present(best_of(history)).trial.ensemble]) == [(32, 2)]
    assert len(executor.trained) == len(set(sizes(executor.trained)))


def test_no_architecture_is_trained_twice_even_though_lines_cross():
    _, trace, executor = run(lambda spec: spec.width / 10 + spec.depth)
    compared = sum(len(step.candidates) for step in trace)
    assert len(executor.trained) < compared
    assert len(executor.trained) == len(set(sizes(executor.trained)))


def test_a_tie_goes_to_fewer_flops():
    _, trace, _ = run(lambda spec: 30.0, alpha=0.0)
    assert '"width":16' in trace[0].choice
    assert '"depth":1' in trace[1].choice


def test_a_plateau_ends_after_one_confirming_pass():
    history, trace, _ = run(lambda spec: 30.0, alpha=0.0)
    assert len(trace) == 4
    assert sizes([present(best_of(history)).trial.ensemble]) == [(16, 1)]


def test_diverged_candidates_never_win():
    history, _, _ = run(lambda spec: None if spec.width == 64 else 10.0 + spec.width)
    assert present(best_of(history)).trial.ensemble.width != 64


def test_a_line_on_which_all_diverge_leaves_the_search_where_it_is():
    history, trace, _ = run(lambda spec: None)
    assert all(step.choice is None for step in trace)
    assert best_of(history) is None


def test_max_iterations_limits_the_passes():
    _, trace, _ = run(lambda spec: spec.width + spec.depth, max_iterations=1)
    assert {step.iteration for step in trace} == {1}


def test_a_start_line_without_a_feasible_value_moves_to_the_nearest_that_has_one():
    # Only depth 1 is feasible at 60 M FLOPs with these widths; the start asks for depth 5.
    axes = {"width": (32, 64), "depth": (1, 5)}
    _, trace, executor = run(lambda spec: 1.0, axes=axes, max_flops=60_000_000, start={"depth": 5})
    assert sizes(executor.trained) == [(32, 1)]
    assert trace[0].axis == "width"


def test_an_empty_feasible_set_names_the_nearest():
    with pytest.raises(BudgetError, match=r"the nearest, siren M=8 d=1 w=16, has 11\.01M flops"):
        lookup_space(PAPER, 1000)


def test_an_unknown_start_axis_names_the_nearest():
    with pytest.raises(SpecError, match="did you mean 'width'"):
        run(lambda spec: 1.0, start={"widht": 16})


def test_axes_can_be_any_including_the_grid():
    axes = {"grid": (2, 4, 8), "width": (16, 32), "depth": (1, 2)}
    history, trace, _ = run(lambda spec: 10.0 * spec.grid, axes=axes)
    assert trace[0].axis == "grid"
    assert present(best_of(history)).trial.ensemble.grid == 8


def test_a_resume_at_any_point_ends_as_the_undisturbed_search():
    generator = random.Random(7)
    table = {(w, d): generator.uniform(20, 60) for w in PAPER["width"] for d in PAPER["depth"]}

    def psnr(spec: EnsembleSpec) -> float:
        return table[spec.width, spec.depth]

    whole, _, _ = run(psnr)
    for kept in range(len(whole)):
        records = MemoryRecords()
        for result in whole[:kept]:
            records.add(result)
        again, _, executor = run(psnr, records=records)
        assert [r.key for r in again] == [r.key for r in whole]
        assert len(executor.trained) == len(whole) - kept


def test_it_finds_a_coordinatewise_optimum_with_fewer_trainings_than_exhaustive():
    generator = random.Random(3)
    for _ in range(50):
        table = {(w, d): generator.uniform(0, 60) for w in PAPER["width"] for d in PAPER["depth"]}

        def psnr(spec: EnsembleSpec, table=table) -> float:
            return float(table[spec.width, spec.depth])

        history, _, _ = run(psnr)
        best = present(best_of(history))
        space = lookup_space(PAPER, GIGA)
        oracle = simulate(Exhaustive(space), space, PsnrFlops(), LookupExecutor(psnr))
        assert len(oracle) == len(space.feasible) == 16
        assert len(history) <= len(oracle)
        assert present(best.score) <= present(present(best_of(oracle)).score)
        scores = {r.key: present(r.score) for r in oracle}
        last = {step.axis: step for step in run(psnr)[1]}
        for step in last.values():  # the last pass finds no better architecture
            chosen = scores[present(step.choice)]
            assert all(scores[c.key] <= chosen for c in step.candidates)


RATES = Range(low=1e-4, high=1e-2, log=True)


def rates(results):
    return [result.trial.recipe["learning_rate"] for result in results]


def test_a_range_is_tried_at_a_few_points_and_refined_once_around_the_best():
    def psnr(spec):
        return 50 - abs(math.log10(spec.recipe["learning_rate"] / 1.5e-3))

    history, trace, _ = run(psnr, {"learning_rate": RATES, "width": (16,)})
    assert trace[0].axis == "learning_rate"
    assert rates(trace[0].candidates) == [*RATES.points, *RATES.around(1e-3)]
    assert rates([present(best_of(history))]) == [1.778e-3]
    assert len(history) == 7


def test_a_value_between_the_points_is_kept_when_other_axes_move_on():
    quality = {(8, 1e-4): 5, (8, 3.162e-4): 0, (16, 1e-4): 45, (16, 1.778e-3): 60, (8, 1e-3): 30}

    def psnr(spec):
        return quality.get((spec.width, spec.recipe["learning_rate"]), -9)

    quality[8, 1.778e-3] = 40
    history, trace, _ = run(psnr, {"learning_rate": RATES, "width": (8, 16)}, start={"width": 8})
    scores = [next(r.score for r in s.candidates if r.key == s.choice) for s in trace]
    assert scores == sorted(scores)
    assert rates([present(best_of(history))]) == [1.778e-3]


def test_options_of_a_backbone_are_searched_while_it_is_chosen():
    axes = {"backbone": ("relu", "siren"), "siren.omega_first": (15.0, 30.0, 60.0)}

    def psnr(spec):
        return (spec.value("siren.omega_first") or 0) + (40 if spec.backbone == "siren" else 10)

    history, trace, _ = run(psnr, axes)
    assert [step.axis for step in trace] == ["backbone", "siren.omega_first"] * 2
    assert present(best_of(history)).trial.ensemble.options == {"omega_first": 60.0}
    _, trace, _ = run(lambda spec: {"relu": 50, "siren": 10}[spec.backbone], axes)
    assert [step.axis for step in trace] == ["backbone", "backbone"]


@pytest.mark.parametrize("seed", range(6))
def test_a_race_in_each_line_finds_the_same_with_a_part_of_the_cells(seed):
    space = lookup_space(PAPER, GIGA)
    table = toy_table(space, seed)
    _, whole, _ = run(table)
    space = replace(space, exact=False)
    strategy = CoordinateAscent(space)
    history = simulate(strategy, space, PsnrFlops(), LookupExecutor(table))
    trace = strategy.trace(history)
    assert [step.choice for step in trace if step.axis] == [step.choice for step in whole]
    assert present(best_of(history)).key == trace[-1].choice
    assert present(best_of(history)).interval_db <= 0.3
    most = {result.key: result.fidelity.cells for result in history}
    assert min(most.values()) < 0.2
    assert len({(r.key, r.fidelity.cells) for r in history}) == len(history)


def test_a_race_with_the_papers_profile_ends_with_the_winner_in_full():
    space = replace(lookup_space(PAPER, GIGA), repeats=3)
    strategy = CoordinateAscent(space, CoordinateOptions(racing=True))
    history = simulate(strategy, space, PsnrFlops(), LookupExecutor(toy_table(space)))
    winner = present(best_of(history))
    assert winner.key == strategy.trace(history)[-1].choice
    assert (winner.fidelity.cells, winner.trial.repeats) == (1, 3)
    assert not strategy.propose(history, (), 64)


def test_a_study_of_whole_trials_goes_on_as_a_race():
    space = lookup_space(PAPER, GIGA)
    table = toy_table(space, 1)
    whole, _, _ = run(table)
    strategy = CoordinateAscent(replace(space, exact=False))
    assert not strategy.propose(whole, (), 64)
    assert strategy.trace(whole)[-1].choice == present(best_of(whole)).key
