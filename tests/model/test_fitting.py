"""The result of a fit does not depend on interruptions, rounds or memory."""

from collections.abc import Iterator
from functools import partial

import pytest
import torch

from enas_inr.backbones.siren import Siren
from enas_inr.errors import TrainingError
from enas_inr.model.fitting import End, FitSpec, fit
from enas_inr.model.start import Start
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.partition import cell_edges
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.spec.recipe import PROFILES
from enas_inr.training import layered_kernel as layered

CATALOG = load_catalog(plugins=False)


def waves(rows: int = 24, columns: int = 20) -> Signal:
    """A smooth signal, so that any roughness comes from the model."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    values = torch.stack([torch.sin(x / 3 + y / 5), torch.cos(x / 4 - y / 6)], dim=-1) * 0.8
    return Signal(values, "image", "waves")


def asked(steps: int = 130, repeats: int = 2, **training) -> FitSpec:
    return FitSpec(
        ensemble=EnsembleSpec(grid=2, depth=1, width=8),
        training=TrainingSpec(**{"steps": steps, "learning_rate": 3e-2} | training),
        repeats=repeats,
    )


def numbers(model) -> torch.Tensor:
    return torch.cat([leaf.flatten() for block in model.blocks for leaf in block.values()])


def stops_now(left: Iterator[int]) -> bool:
    return next(left, None) is None


@pytest.mark.parametrize("stops", [[1], [3], [1, 2, 3, 5], [2, 2]])
def test_an_interrupted_fit_becomes_what_an_undisturbed_one_does(tmp_path, stops):
    """The learning rate is so high that the step with the best weights is random."""
    checkpoint = tmp_path / "c"
    whole = fit(waves(), asked(), catalog=CATALOG)
    for rounds in stops:
        left = iter(range(rounds))
        part = fit(
            waves(),
            asked(),
            catalog=CATALOG,
            checkpoint=checkpoint,
            should_stop=partial(stops_now, left),
        )
        assert part.end is End.ASKED
        assert checkpoint.exists()
    resumed = fit(waves(), asked(), catalog=CATALOG, checkpoint=checkpoint)
    assert resumed.end is End.STEPS
    assert not checkpoint.exists()
    assert torch.equal(numbers(resumed.model), numbers(whole.model))


@pytest.mark.parametrize("spec", [asked(steps=90), asked(steps=400, patience=13)])
def test_how_long_rounds_are_changes_nothing(monkeypatch, spec):
    whole = fit(waves(), spec, catalog=CATALOG)
    monkeypatch.setattr("enas_inr.training.run.MAX_ROUND_STEPS", 3)
    short = fit(waves(), spec, catalog=CATALOG)
    assert short.steps == whole.steps
    assert torch.equal(numbers(short.model), numbers(whole.model))


def test_a_target_is_reached_at_the_same_weights_however_long_rounds_are(monkeypatch):
    spec = asked(steps=2000).model_copy(update={"target_psnr_db": 22.0})
    whole = fit(waves(), spec, catalog=CATALOG)
    monkeypatch.setattr("enas_inr.training.run.MAX_ROUND_STEPS", 7)
    short = fit(waves(), spec, catalog=CATALOG)
    assert whole.end is short.end is End.TARGET
    assert torch.equal(numbers(short.model), numbers(whole.model))


def test_out_of_memory_in_a_fit_halves_the_chunk_and_ends_the_same(monkeypatch):
    """Uses one thread, so that chunks are as large as the workspace allows."""
    monkeypatch.setattr("enas_inr.training.compiled_kernel.compiled_loops", lambda *_: None)
    monkeypatch.setattr("enas_inr.training.trainer.plan_workers", lambda jobs, device: 1)
    monkeypatch.setattr("enas_inr.training.trainer.SMALLEST_WORKSPACE", 1)
    expected = fit(waves(), asked(steps=40, learning_rate=1e-3), catalog=CATALOG)
    tried = []

    kernel = layered.LayeredKernel

    def small(encoding, layers, block, settings, plan):
        tried.append(plan.members)
        if plan.members > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return kernel(encoding, layers, block, settings, plan)

    monkeypatch.setattr(layered, "LayeredKernel", small)
    made = fit(waves(), asked(steps=40, learning_rate=1e-3), catalog=CATALOG)
    assert tried[0] > 2
    assert tried[-1] <= 2
    torch.testing.assert_close(numbers(made.model), numbers(expected.model), atol=1e-4, rtol=1e-3)


def test_out_of_memory_to_the_end_is_one_clear_error(monkeypatch):
    def no_memory(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("enas_inr.training.compiled_kernel.compiled_loops", lambda *_: None)
    monkeypatch.setattr("enas_inr.training.batch.layered.LayeredKernel", no_memory)
    with pytest.raises(TrainingError, match="smallest chunk"):
        fit(waves(), asked(), catalog=CATALOG)


def test_neighbours_that_are_trained_with_a_margin_agree_where_they_meet():
    jumps = {}
    for margin in (0, 1):
        spec = FitSpec(
            ensemble=EnsembleSpec(grid=4, depth=1, width=16),
            training=PROFILES["smooth"].model_copy(update={"steps": 300, "margin": margin}),
        )
        model = fit(waves(48, 40), spec, catalog=CATALOG).model
        border = cell_edges(48, 4)[1] - 0.5
        along = torch.linspace(0, 39, 200, dtype=torch.float64)
        above, below = (
            model.at(torch.stack([torch.full_like(along, border + side), along], dim=1))
            for side in (-1e-6, 1e-6)
        )
        jumps[margin] = float((above - below).square().mean().sqrt())
    assert jumps[1] < 0.5 * jumps[0]


def diverging(monkeypatch) -> FitSpec:
    """A fit whose derived rate is far too high; the losses of a SIREN stay finite even so."""
    monkeypatch.setattr(Siren, "learning_rate", lambda self, shape, points, steps: 30.0)
    return asked(steps=130, learning_rate=None, defaults="fitted", patience=130)


def test_a_fit_that_diverges_at_a_derived_rate_is_repeated_at_a_quarter(monkeypatch):
    spec, labels = diverging(monkeypatch), []
    made = fit(
        waves(), spec, catalog=CATALOG, on_progress=lambda progress: labels.append(progress.label)
    )
    assert made.retried
    assert made.model.header.training.learning_rate == 7.5
    assert any("diverged, now at a rate of 7.5" in label for label in labels)


def test_the_repeated_fit_is_resumed_at_its_own_rate(monkeypatch, tmp_path):
    spec, checkpoint = diverging(monkeypatch), tmp_path / "c"
    whole = fit(waves(), spec, catalog=CATALOG)
    rounds = iter(range(5))
    part = fit(
        waves(),
        spec,
        catalog=CATALOG,
        checkpoint=checkpoint,
        should_stop=partial(stops_now, rounds),
    )
    assert (part.end, part.retried) == (End.ASKED, True)
    resumed = fit(waves(), spec, catalog=CATALOG, checkpoint=checkpoint)
    assert resumed.retried
    assert torch.equal(numbers(resumed.model), numbers(whole.model))
    assert not checkpoint.exists()


def test_a_fit_that_converges_is_not_repeated(monkeypatch):
    monkeypatch.setattr(Siren, "learning_rate", lambda self, shape, points, steps: 1e-2)
    made = fit(waves(), asked(learning_rate=None, defaults="fitted"), catalog=CATALOG)
    assert not made.retried
    assert made.model.header.training.learning_rate == 1e-2


@pytest.mark.parametrize("rate", [1e30, 30.0])  # losses that are not finite, and finite ones
def test_a_fit_that_diverges_at_once_is_no_model(rate):
    with pytest.raises(TrainingError, match="diverged at step 2, before it was better than one"):
        fit(waves(), asked(steps=60, repeats=1, learning_rate=rate), catalog=CATALOG)


def test_a_fit_that_diverges_later_keeps_what_it_had_and_says_so():
    good = fit(waves(), asked(repeats=1), catalog=CATALOG).model
    start = Start.of_model(good, "m.inr")
    spec = asked(steps=20, repeats=1, learning_rate=1e30)
    made = fit(waves(), spec, catalog=CATALOG, start=start).model
    assert torch.equal(made.vector(), good.vector())
    assert made.header.metrics["diverged_at"] == 2
