"""A model is a function that agrees with its rendering at the samples and is defined everywhere."""

import logging
from dataclasses import replace

import pytest
import torch

import enas_inr
from enas_inr.backbones.base import Backbone
from enas_inr.errors import SpecError
from enas_inr.model.fitting import FitSpec, fit
from enas_inr.model.layout import Layout
from enas_inr.model.sampling import samplings
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.partition import cell_edges
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.training.batch import Job, derived_seed
from enas_inr.training.evaluate import evaluate

CATALOG = load_catalog(plugins=False)


def signal(*shape: int) -> Signal:
    generator = torch.Generator().manual_seed(1)
    values = torch.rand(*shape, generator=generator) * 2 - 1
    kind = {2: "audio", 3: "image"}.get(len(shape), "volume")
    return Signal(values, kind, "test", sample_rate=100 if kind == "audio" else None)


def fitted(
    source: Signal, grid: int = 3, convention: str = "centers", extent=1, margin=0, **settings
):
    training = TrainingSpec.from_profile(
        "paper", steps=30, learning_rate=1e-3, coordinates=convention, extent=extent, margin=margin
    )
    spec = FitSpec(
        ensemble=EnsembleSpec(grid=grid, depth=1, width=8, **settings), training=training, repeats=2
    )
    return fit(source, spec, catalog=CATALOG).model


@pytest.mark.parametrize("convention", ["centers", "edges"])
@pytest.mark.parametrize("shape", [(13, 11, 3), (40, 2), (7, 6, 5, 1), (3, 3, 1)])
def test_the_original_grid_gives_the_training_reconstruction(shape, convention):
    source = signal(*shape)
    model = fitted(source, convention=convention)
    from enas_inr.signals.partition import cut

    job = Job(model.backbone, model.shape, cut(source.values, model.layout.grid), (0,), 1e-3)
    params = tuple({n: leaf.unsqueeze(0) for n, leaf in block.items()} for block in model.blocks)
    expected = evaluate(job, params, model.header.training, 0)
    rendered = model.render()
    torch.testing.assert_close(rendered.values, expected, atol=1e-6, rtol=0)
    assert rendered.values.shape == shape


def test_each_member_keeps_weights_at_least_as_good_as_its_first_ones():
    source = signal(12, 12, 3)
    training = TrainingSpec(steps=40, learning_rate=10.0)  # too large: the loss only rises
    spec = FitSpec(ensemble=EnsembleSpec(grid=2, depth=1, width=8), training=training)
    model = fit(source, spec, catalog=CATALOG).model
    start = model.backbone.init(model.shape, [derived_seed(derived_seed(0, 0), 0)])
    assert torch.equal(start["layers.1.weight"][0], model.blocks[0]["layers.1.weight"][0])


@pytest.mark.parametrize("blend", [False, True])
@pytest.mark.parametrize("size", [None, (29, 17), (13, 40)])
def test_a_rendering_is_the_model_at_its_positions(size, blend):
    source = signal(13, 11, 3)
    model = fitted(source, convention="edges", extent=9)
    window = [(0.3, 12.1), (2.0, 11.0)]
    axes = [axis.positions() for axis in samplings((13, 11), size, None, window)]
    positions = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 2)
    rendered = model.render(size=size, window=window, blend=blend).values
    expected = model.at(positions, blend=blend).reshape(rendered.shape)
    torch.testing.assert_close(rendered, expected, atol=2e-6, rtol=0)


def test_rendering_in_small_pieces_changes_nothing(monkeypatch):
    model = fitted(signal(13, 11, 3))
    whole = model.render(scale=2.3, blend=True).values
    monkeypatch.setattr("enas_inr.model.model.UNITS_AT_ONCE", 8)
    monkeypatch.setattr("enas_inr.model.evaluation.UNITS_AT_ONCE", 8)
    monkeypatch.setattr("enas_inr.model.points.UNITS_AT_ONCE", 8)
    torch.testing.assert_close(model.render(scale=2.3, blend=True).values, whole)


def test_called_with_the_samples_coordinates_it_gives_the_samples():
    source = signal(13, 11, 3)
    model = fitted(source)
    rows, columns = ((2 * torch.arange(n, dtype=torch.float64) + 1) / n - 1 for n in (13, 11))
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1)
    torch.testing.assert_close(model(grid), model.render().values, atol=1e-4, rtol=0)


@pytest.mark.parametrize("blend", [False, True])
@pytest.mark.parametrize("omega", [3.0, 10.0])
def test_gradients_with_respect_to_coordinates_agree_with_finite_differences(omega, blend):
    options = {"omega_first": omega, "omega_hidden": 3.0}
    model = fitted(signal(12, 12, 1), options=options)
    # The function is smooth except at the borders of cells.
    points = torch.tensor([[-0.83, 0.21], [0.11, 0.52], [0.77, -0.43]], dtype=torch.float64)
    points.requires_grad_()
    (gradient,) = torch.autograd.grad(model(points).sum(), points)
    h = 1e-3
    for axis in range(2):
        step = torch.eye(2, dtype=torch.float64)[axis] * h
        with torch.no_grad():
            difference = (model(points + step) - model(points - step)).flatten().double() / (2 * h)
        error = (gradient[:, axis] - difference).abs().max()
        assert error < 1e-3 * gradient.abs().max().clamp_min(1)


@pytest.mark.parametrize(("length", "cells"), [(12, 3), (13, 4), (5, 5), (7, 1)])
def test_every_position_has_one_owner_and_a_sample_its_own_cell(length, cells):
    layout = Layout((length,), (cells,), "centers")
    positions = torch.linspace(-0.5, length - 0.5, 1001, dtype=torch.float64)[:-1].unsqueeze(1)
    owners, local = layout.owners(positions)
    assert owners.min() == 0
    assert owners.max() == cells - 1
    assert bool((owners.diff() >= 0).all())
    edges = cell_edges(length, cells)
    for cell in range(cells):
        inside = positions[owners == cell]
        assert inside.min() >= edges[cell] - 0.5
        assert inside.max() < edges[cell + 1] - 0.5
    assert local.abs().max() <= 2.0  # half a sample beyond the outer centres


@pytest.mark.parametrize(("length", "cells"), [(12, 3), (13, 4), (5, 5), (7, 1)])
def test_blending_weights_sum_to_one_and_leave_the_samples_alone(length, cells):
    layout = Layout((length,), (cells,), "centers")
    positions = torch.linspace(-0.5, length - 0.5, 997, dtype=torch.float64).unsqueeze(1)
    total = sum(weight for weight, _, _ in layout.blended(positions))
    torch.testing.assert_close(total, torch.ones(997, dtype=torch.float64))
    model = fitted(signal(length, 2), grid=cells)
    torch.testing.assert_close(model.render(blend=True).values, model.render().values)


@pytest.mark.parametrize("margin", [0, 1])
def test_members_that_were_trained_beyond_their_borders_are_blended_in_renderings(margin):
    model = fitted(signal(13, 11, 3), margin=margin)
    plain, blended = (model.render(scale=2, blend=blend).values for blend in (False, True))
    assert model.blends == (margin > 0)
    assert not torch.equal(plain, blended)
    assert torch.equal(model.render(scale=2).values, blended if margin else plain)
    assert torch.equal(enas_inr.render(model, scale=2).values, model.render(scale=2).values)
    assert torch.equal(model.render().values, model.render(blend=False).values)


def test_blending_is_continuous_where_plain_rendering_jumps():
    model = fitted(signal(12, 1), grid=3, options={"omega_first": 3.0, "omega_hidden": 3.0})
    across = torch.linspace(2.9, 4.1, 4001, dtype=torch.float64).unsqueeze(1)
    plain, blended = (
        model.at(across, blend=b).detach().diff(dim=0).abs().max() for b in (False, True)
    )
    assert blended < 0.05 * plain


def positions(*asked, **more):
    (axis,) = samplings(*asked, **more)
    return axis.positions().tolist()


def test_positions_of_a_rendering():
    assert positions((4,)) == [0, 1, 2, 3]
    assert positions((4,), scale=2) == [i / 2 - 0.25 for i in range(8)]
    assert positions((4,), window=[(1, 3)]) == [1, 2]
    assert positions((4,), size=[2]) == [0, 1, 2, 3]  # two for each sample


@pytest.mark.parametrize(
    "asked",
    [
        {"scale": 0},
        {"scale": float("nan")},
        {"size": [0, 4]},
        {"size": [4]},
        {"size": [10**6, 10**6]},
        {"window": [(0, 5), (0, 4)]},
        {"window": [(2, 1), (0, 4)]},
    ],
)
def test_a_rendering_that_cannot_be_is_one_clear_error(asked):
    with pytest.raises(SpecError):
        samplings((4, 4), **asked)


def test_a_crop_is_a_part_of_the_whole():
    model = fitted(signal(13, 11, 3))
    whole = model.render(scale=2).values
    part = model.render(scale=2, window=[(3, 9), (2, 10)]).values
    torch.testing.assert_close(part, whole[6:18, 4:20], atol=1e-5, rtol=0)


def test_sound_at_another_rate_says_its_rate():
    model = fitted(signal(40, 1))
    assert model.render(scale=2).sample_rate == 200
    assert model.render(size=[20]).sample_rate == 50


def test_coordinates_of_the_wrong_dimension_are_one_clear_error():
    with pytest.raises(SpecError, match="last dimension of 2"):
        fitted(signal(6, 6, 1))(torch.zeros(5, 3))


class WithoutDevice(Backbone):
    """A backbone whose device lacks an operation; on a CPU, it works."""

    def __init__(self, inner):
        self.inner, self.failed = inner, 0

    def init(self, shape, seeds):
        return self.inner.init(shape, seeds)

    def cost(self, shape):
        return self.inner.cost(shape)

    def forward(self, shape, params, x):
        self.failed += 1
        if self.failed % 2:
            raise NotImplementedError("'aten::foo' is not currently implemented for the MPS device")
        return self.inner.forward(shape, params, x)


def test_where_an_operation_is_missing_rendering_goes_on_on_the_cpu(monkeypatch, caplog):
    model = fitted(signal(13, 11, 3))
    lacking = replace(model, backbone=WithoutDevice(model.backbone))
    with pytest.raises(NotImplementedError):
        lacking.render()
    lacking.backbone.failed = 0
    monkeypatch.setattr("enas_inr.model.evaluation.lacks", lambda device, error: True)
    with caplog.at_level(logging.WARNING):
        rendered = lacking.render().values
    assert torch.equal(rendered, model.render().values)
    (record,) = caplog.records
    assert (
        "rendering on the CPU, since cpu failed: NotImplementedError: 'aten::foo'" in record.message
    )
