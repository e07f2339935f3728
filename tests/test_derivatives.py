"""Derivatives agree with those by hand, and with finite differences."""

import pytest
import torch
from pydantic import JsonValue

from enas_inr.derivatives import divergence, gradient, hessian, laplacian
from enas_inr.errors import SpecError
from enas_inr.model.fitting import FitSpec, fit
from enas_inr.spec import EnsembleSpec, TrainingSpec
from tests.model.test_model import CATALOG, signal


def points(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, dtype=torch.float64, generator=generator) * 1.8 - 0.9


def polynomial(x):
    u, v = x.unbind(-1)
    return torch.stack([u**3 * v + v**2, 5 - 2 * u * v**2], dim=-1)


def test_a_polynomial_has_the_derivatives_by_hand():
    x = points(4, 5, 2)
    u, v = x.unbind(-1)
    rows = [[3 * u**2 * v, u**3 + 2 * v], [-2 * v**2, -4 * u * v]]
    by_hand = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    torch.testing.assert_close(gradient(polynomial, x), by_hand)
    torch.testing.assert_close(divergence(polynomial, x), 3 * u**2 * v - 4 * u * v)
    torch.testing.assert_close(
        laplacian(polynomial, x), torch.stack([6 * u * v + 2, -4 * u], dim=-1)
    )
    second = hessian(polynomial, x)
    torch.testing.assert_close(second[..., 0, 0, 1], 3 * u**2)
    torch.testing.assert_close(second[..., 1, 1, 0], -4 * v)
    torch.testing.assert_close(second.diagonal(dim1=-2, dim2=-1).sum(-1), laplacian(polynomial, x))


def test_derivatives_by_samples_are_those_of_positions():
    x, sizes = points(6, 2), torch.tensor([20, 50], dtype=torch.float64)

    def by_sample(position):
        return polynomial((2 * position + 1) / sizes - 1)

    position = ((x + 1) * sizes - 1) / 2
    asked = {"samples": (20, 50)}
    for derivative in (gradient, hessian, laplacian, divergence):
        torch.testing.assert_close(
            derivative(polynomial, x, **asked), derivative(by_sample, position)
        )


def test_what_does_not_depend_on_a_coordinate_has_no_derivative():
    x = points(3, 2)
    flat = gradient(lambda x: torch.ones(3, 1, dtype=torch.float64), x)
    assert torch.equal(flat, torch.zeros(3, 1, 2, dtype=torch.float64))
    assert not laplacian(lambda x: 3 * x, x).any()
    assert not hessian(lambda x: x.relu(), x).any()


def one_layer(width):
    """One hidden layer of sines, so that derivatives can be written down."""
    options: dict[str, JsonValue] = {"omega_first": 4.0, "omega_hidden": 3.0}
    ensemble = EnsembleSpec(grid=3, depth=0, width=width, options=options)
    spec = FitSpec(ensemble=ensemble, training=TrainingSpec(steps=3))
    return fit(signal(12, 18, 2), spec, catalog=CATALOG).model


@pytest.fixture(scope="module")
def shallow():
    return one_layer(8)


def test_a_siren_has_the_derivatives_by_hand(shallow):
    """Each value is `W sin(omega (V x + b)) + c` with `x` the coordinates in the cell."""
    module = shallow.module().double()
    leaves = {name: leaf.double() for name, leaf in shallow.by_cell().items()}
    x = points(40, 2)
    position = (x + 1) / 2 * torch.tensor([12.0, 18.0]) - 0.5
    cell = (position + 0.5).long() // torch.tensor([4, 6])
    rows = cell[:, 0] * 3 + cell[:, 1]
    # The outer samples of a cell are at -1 and 1: 3 and 5 samples apart.
    stretch = torch.tensor([12.0, 18.0]).double() / torch.tensor([3.0, 5.0]).double()
    local = (2 * (position - cell * torch.tensor([4, 6])) / torch.tensor([3.0, 5.0])) - 1
    first, bias = leaves["layers.0.weight"][rows], leaves["layers.0.bias"][rows]
    last = leaves["layers.1.weight"][rows]
    phase = 4 * (torch.einsum("pua,pa->pu", first, local) + bias)
    slopes = first * stretch
    by_hand = torch.einsum("pcu,pu,pua->pca", last, 4 * phase.cos(), slopes)
    torch.testing.assert_close(gradient(module, x), by_hand)
    curved = torch.einsum("pcu,pu,pu->pc", last, -16 * phase.sin(), slopes.square().sum(-1))
    torch.testing.assert_close(laplacian(module, x), curved)
    torch.testing.assert_close(divergence(module, x), by_hand[:, 0, 0] + by_hand[:, 1, 1])


@pytest.mark.parametrize("blend", [False, True])
def test_a_siren_has_the_derivatives_of_finite_differences(shallow, blend):
    module = shallow.module(blend=blend).double()
    # Between the samples 3 and 4, cells are crossfaded; 3.2 is within that band.
    x = (2 * torch.tensor([[1.3, 2.1], [3.2, 7.9], [10.4, 11.7]]).double() + 1) / torch.tensor(
        [12.0, 18.0]
    ) - 1
    first, second = gradient(module, x), hessian(module, x)
    h = 1e-4
    for axis in range(2):
        step = torch.eye(2, dtype=torch.float64)[axis] * h
        with torch.no_grad():
            ahead, here, behind = module(x + step), module(x), module(x - step)
            along = (gradient(module, x + step) - gradient(module, x - step)) / (2 * h)
        torch.testing.assert_close(
            first[..., axis], (ahead - behind) / (2 * h), atol=1e-4, rtol=1e-4
        )
        twice = (ahead - 2 * here + behind) / h**2
        torch.testing.assert_close(second[..., axis, axis], twice, atol=1e-2, rtol=1e-3)
        torch.testing.assert_close(second[..., axis], along, atol=1e-3, rtol=1e-3)
    assert not along.requires_grad


def test_a_module_that_fits_a_polynomial_has_about_its_derivatives():
    model = one_layer(64)
    module, layout = model.module().double(), model.layout
    (drawn,) = module.cells(200, generator=torch.Generator().manual_seed(0))
    local = layout.locate(layout.positions(drawn.coordinates), drawn.cells.unsqueeze(1))
    leaves = dict(module.named_parameters())
    with torch.no_grad():
        # The best last layer by least squares, since it is linear.
        weight, bias = (leaves[f"leaves.layers.0.{name}"] for name in ("weight", "bias"))
        hidden = (4 * (local @ weight.transpose(1, 2) + bias.unsqueeze(1))).sin()
        features = torch.cat([hidden, torch.ones_like(hidden[..., :1])], dim=-1)
        found = torch.linalg.lstsq(features, polynomial(drawn.coordinates)).solution
        leaves["leaves.layers.1.weight"][drawn.cells] = found[:, :-1].transpose(1, 2)
        leaves["leaves.layers.1.bias"][drawn.cells] = found[:, -1]
    x = points(50, 2)
    torch.testing.assert_close(module(x), polynomial(x), atol=2e-4, rtol=0)
    for derivative in (gradient, laplacian, hessian, divergence):
        torch.testing.assert_close(
            derivative(module, x), derivative(polynomial, x), atol=0.05, rtol=0
        )


def test_a_loss_of_derivatives_reaches_the_parameters(shallow):
    module, x = shallow.module(), points(5, 2)
    laplacian(module, x).square().mean().backward()
    assert all(
        parameter.grad is not None and bool(parameter.grad.any())
        for name, parameter in module.named_parameters()
        if name != "leaves.layers.1.bias"  # a constant has no slope
    )


def test_what_cannot_be_is_one_clear_error():
    with pytest.raises(SpecError, match="3 channels on 2 axes has no divergence"):
        divergence(lambda x: x.repeat(1, 2)[:, :3], points(4, 2))
    with pytest.raises(SpecError, match=r"samples \(3,\) do not fit points of 2 axes"):
        gradient(polynomial, points(4, 2), samples=(3,))
