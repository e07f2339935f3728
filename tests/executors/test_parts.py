"""Trials in parts: what was trained is kept, and all parts together are the whole trial."""

import pytest

from enas_inr.backbones.feasibility import resolved
from enas_inr.executors.base import ExecutionContext, given
from enas_inr.executors.local import LocalExecutor
from enas_inr.executors.parts import merged, part_of, training_flops
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialStatus
from enas_inr.signals.loading import load_signal
from enas_inr.spec import EnsembleSpec, Fidelity, Part, TrainingSpec, TrialSpec
from tests.present import present

CATALOG = load_catalog(plugins=False)
SIGNAL = load_signal(CATALOG, "sample:photo", {"size": [21, 19]})  # cells of four shapes
CELLS, STEPS = 16, 24


def trial(part, repeats=1, profile="tuned"):
    changes = {"patience": 3, "learning_rate": 3.0} if profile == "stops" else {}
    training = TrainingSpec.from_profile("paper" if changes else profile, steps=STEPS, **changes)
    spec = EnsembleSpec(grid=4, depth=1, width=8)
    ensemble, cost = resolved(spec, SIGNAL.info(), CATALOG, training)
    return TrialSpec(
        number=0,
        ensemble=ensemble,
        cost=cost,
        training=training,
        part=part,
        repeats=repeats,
        seed=3,
    )


def run(part, repeats=1, profile="tuned"):
    context = ExecutionContext(CATALOG, SIGNAL, "cpu")
    (result,) = LocalExecutor(context).run(given([trial(part, repeats, profile)]))
    return result


@pytest.mark.parametrize("profile", ["tuned", "paper", "stops"])
@pytest.mark.parametrize("repeats", [1, 2])
def test_all_parts_together_are_the_whole_trial(profile, repeats):
    whole = run(None, repeats, profile)
    result = run(Part(cells=3), repeats, profile)
    for cells in (4, 9, CELLS):
        part = part_of(Fidelity(cells=cells / CELLS, repeats=repeats), CELLS, result)
        assert present(part).first_cell == present(result.sample).cells
        result = merged(result, run(part, repeats, profile))
    assert present(result.sample).samples == 21 * 19
    for ours, theirs in zip(result.repeats, whole.repeats, strict=True):
        assert ours.psnr_paper_db == pytest.approx(present(theirs.psnr_paper_db), abs=1e-4)
        assert (ours.best_step, ours.steps) == (theirs.best_step, theirs.steps)
    if profile == "stops":
        assert all(repeat.steps < STEPS for repeat in whole.repeats)
    assert result.interval_db == 0


@pytest.mark.parametrize("profile", ["tuned", "stops"])
def test_repeats_are_added_to_the_same_cells(profile):
    both = run(Part(cells=5), 2, profile)
    one = run(Part(cells=5), 1, profile)
    part = part_of(Fidelity(cells=5 / CELLS, repeats=2), CELLS, one)
    assert part == Part(cells=5, first_repeat=1)
    added = merged(one, run(part, 2, profile))
    if profile == "tuned":
        assert added.psnr_paper_db == pytest.approx(present(both.psnr_paper_db), abs=1e-5)
    assert added.losses == pytest.approx(both.losses, rel=1e-5)


def test_a_whole_trial_without_parts_before_has_no_part():
    assert part_of(Fidelity(repeats=3), CELLS, None) is None
    assert part_of(Fidelity(cells=0.5), CELLS, None) == Part(cells=8)
    assert part_of(Fidelity(cells=0.01), CELLS, None) == Part(cells=1)


def test_the_flops_of_training_count_each_part_once():
    whole, few = run(None, 2), run(Part(cells=4), 1)
    flops = 3 * STEPS * whole.trial.cost.flops
    assert training_flops([whole]) == pytest.approx(2 * flops)
    more = merged(few, run(Part(first_cell=4, cells=8)))
    again = merged(more, run(Part(cells=8, first_repeat=1), 2))
    assert training_flops([few]) == pytest.approx(flops / 4)
    assert training_flops([few, more]) == pytest.approx(flops / 2)
    assert training_flops([few, more, again]) == pytest.approx(flops)
    # More cells and more repeats at once begin anew.
    assert training_flops([few, whole]) == pytest.approx(2.25 * flops)


def test_an_early_stop_is_not_counted_and_a_failure_neither():
    stopped = run(None, 1, "stops")
    (repeat,) = stopped.repeats
    assert repeat.steps < STEPS
    failed = stopped.model_copy(update={"repeats": (), "status": TrialStatus.FAILED})
    flops = 3 * repeat.steps * stopped.trial.cost.flops
    assert training_flops([failed, stopped]) == flops


def test_the_first_repeats_of_a_part_have_their_losses():
    one, two = run(Part(cells=5), 1), run(Part(cells=5), 2)
    assert two.first(1).losses == one.losses
    assert len(two.first(1).losses) == 5
