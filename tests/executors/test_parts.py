"""Trials in parts: what was trained is kept, and all parts together are the whole trial."""

import os
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from enas_inr.executors.base import ExecutionContext, given
from enas_inr.executors.folders import FOLDER_VARIABLE
from enas_inr.executors.local import LocalExecutor
from enas_inr.executors.parts import merged, part_of, training_flops
from enas_inr.executors.states import MOST_SECONDS, States, states_folder
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialStatus
from enas_inr.signals.loading import load_signal
from enas_inr.spec import EnsembleSpec, Fidelity, Part, TrainingSpec
from tests.present import present
from tests.trials import make_trial

CATALOG = load_catalog(plugins=False)
SIGNAL = load_signal(CATALOG, "sample:photo", {"size": [21, 19]})  # cells of four shapes
CELLS, STEPS = 16, 24


def trial(part, repeats=1, profile="tuned"):
    changes = {"patience": 3, "learning_rate": 3.0} if profile == "stops" else {}
    training = TrainingSpec.from_profile("paper" if changes else profile, steps=STEPS, **changes)
    spec = EnsembleSpec(grid=4, depth=1, width=8)
    return make_trial(SIGNAL, CATALOG, spec, training, part, repeats=repeats, seed=3)


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
        part = part_of(Fidelity(cells=cells / CELLS, repeats=repeats), CELLS, STEPS, result)
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
    part = part_of(Fidelity(cells=5 / CELLS, repeats=2), CELLS, STEPS, one)
    assert part == Part(cells=5, first_repeat=1)
    added = merged(one, run(part, 2, profile))
    if profile == "tuned":
        assert added.psnr_paper_db == pytest.approx(present(both.psnr_paper_db), abs=1e-5)
    assert added.losses == pytest.approx(both.losses, rel=1e-5)


def test_a_whole_trial_without_parts_before_has_no_part():
    assert part_of(Fidelity(repeats=3), CELLS, STEPS, None) is None
    assert part_of(Fidelity(cells=0.5), CELLS, STEPS, None) == Part(cells=8)
    assert part_of(Fidelity(cells=0.01), CELLS, STEPS, None) == Part(cells=1)


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


@pytest.fixture
def states(tmp_path):
    return States(tmp_path / "states", SIGNAL.info(), CATALOG)


def run_kept(states, part, repeats=1, profile="tuned"):
    context = ExecutionContext(CATALOG, SIGNAL, "cpu", states=states.folder)
    (result,) = LocalExecutor(context).run(given([trial(part, repeats, profile)]))
    return result


@pytest.mark.parametrize("profile", ["tuned", "paper"])
@pytest.mark.parametrize("repeats", [1, 2])
def test_steps_go_on_from_where_they_ended(states, profile, repeats):
    whole = run(Part(cells=5), repeats, profile)
    result = run_kept(states, Part(cells=5, steps=6), repeats, profile)
    assert [repeat.steps for repeat in result.repeats] == [6] * repeats
    assert (result.fidelity.steps, result.amount) == (0.25, "5 of 16 cells, 6 of 24 steps")
    for share in (0.5, 1):
        wanted = Fidelity(cells=5 / CELLS, repeats=repeats, steps=share)
        part = part_of(wanted, CELLS, STEPS, result)
        assert present(part).first_step == result.trial.steps
        result = run_kept(states, part, repeats, profile)
        assert result.trial.part == part  # so its state was found
    assert result.losses == whole.losses
    assert result.sample.curve == whole.sample.curve
    assert result.repeats == whole.repeats


def test_without_its_state_a_trial_makes_its_steps_again(states):
    before = run_kept(states, Part(cells=5, steps=6))
    (file,) = present(states.folder).iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    result = run_kept(states, Part(cells=5, first_step=6))
    assert present(result.trial.part).first_step == 0
    assert result.losses == run(Part(cells=5)).losses
    flops = 3 * STEPS * result.trial.cost.flops * 5 / CELLS
    assert training_flops([before, result]) == pytest.approx(1.25 * flops)
    went_on = result.model_copy(update={"trial": trial(Part(cells=5, first_step=6))})
    assert training_flops([before, went_on]) == pytest.approx(flops)


def test_a_state_of_other_numbers_is_not_used(states):
    run_kept(states, Part(cells=5, steps=6))
    (file,) = present(states.folder).iterdir()
    wide = save({name: torch.zeros(7) for name in load(file.read_bytes())})
    file.write_bytes(wide)
    result = run_kept(states, Part(cells=5, first_step=6))
    assert result.losses == run(Part(cells=5)).losses


def test_what_differs_in_anything_has_another_state(states):
    kept = trial(Part(cells=5, steps=6))
    run_kept(states, kept.part)
    others = [
        kept.model_copy(update={"seed": 4}),
        kept.model_copy(update={"training": kept.training.model_copy(update={"steps": 25})}),
        kept.model_copy(update={"ensemble": kept.ensemble.with_value("width", 9)}),
        trial(Part(cells=6, first_step=6)),
        trial(Part(cells=5, first_step=6), repeats=2),
    ]
    on = Part(cells=5, first_step=6)
    assert states.find(kept.model_copy(update={"part": on}))
    assert not any(
        states.find(
            other.model_copy(update={"part": other.part.model_copy(update={"first_step": 6})})
        )
        for other in others
    )
    assert (
        replace(states, signal=states.signal.model_copy(update={"fingerprint": "x"})).find(
            kept.model_copy(update={"part": on})
        )
        is None
    )


def test_states_are_removed_with_their_trials_and_when_they_are_old(states):
    one, two = trial(Part(cells=5, steps=6)), trial(Part(cells=6, steps=6))
    for part in (one.part, two.part, Part(cells=7)):
        run_kept(states, part)
    folder = present(states.folder)
    newest = max(file.stat().st_mtime for file in folder.iterdir())
    old = next(iter(folder.iterdir()))
    os.utime(old, (newest - MOST_SECONDS - 60,) * 2)
    states.remove(())
    assert len(list(folder.iterdir())) == 2
    states.remove([one.model_copy(update={"seed": 9})])
    assert len(list(folder.iterdir())) == 2
    states.remove([one])  # all parts of it
    assert not list(folder.iterdir())


def test_without_a_folder_no_states_are_kept(monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    assert states_folder() is None
    nothing = States(None, SIGNAL.info(), CATALOG)
    nothing.remove([trial(None)])
    assert nothing.find(trial(Part(cells=5, first_step=6))) is None
    assert nothing.finished(trial(None)) == []


@pytest.mark.parametrize("kept", [True, False])
def test_a_trial_in_parts_has_its_picture_once_all_cells_are_trained(states, kept):
    pictures = []
    context = ExecutionContext(
        CATALOG,
        SIGNAL,
        "cpu",
        pictures=True,
        states=states.folder if kept else None,
        keep_picture=lambda trial, picture: pictures.append((trial.part, picture)),
    )
    parts = [Part(cells=3), Part(first_cell=3, cells=9), Part(first_cell=9, cells=CELLS)]
    list(LocalExecutor(context).run(given([trial(part) for part in parts])))
    list(LocalExecutor(context).run(given([trial(None)])))
    *in_parts, (_, whole) = pictures
    assert in_parts == ([(parts[-1], whole)] if kept else [])
