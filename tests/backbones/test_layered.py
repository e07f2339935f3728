"""Each built-in backbone agrees with its source; test_conformance.py checks the contract."""

import math

import pytest
import torch
from torch import nn

from enas_inr.backbones.base import Params
from enas_inr.backbones.fourier import Fourier, GaussianMapping
from enas_inr.backbones.layered import LayeredBackbone, bias_bound, bias_name, weight_name
from enas_inr.backbones.options import FourierOptions, ReluOptions, SirenOptions
from enas_inr.backbones.relu import Relu
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape

SHAPE = NetShape(in_features=2, out_features=3, depth=2, width=16)


def coordinates(members: int, points: int = 7) -> torch.Tensor:
    return torch.rand(members, points, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1


def reference(backbone: LayeredBackbone, params: Params) -> nn.Sequential:
    """The layers as torch modules, without the encoding."""
    modules: list[nn.Module] = []
    for index, layer in enumerate(backbone.layers(SHAPE)):
        linear = nn.Linear(layer.in_features, layer.out_features)
        linear.weight.data = params[weight_name(index)][0]
        linear.bias.data = params[bias_name(index)][0]
        modules.append(linear)
    return nn.Sequential(*modules)


def test_siren_is_sines_with_omega_0():
    backbone = Siren(SirenOptions(omega_first=17.0, omega_hidden=23.0, bias_init="fan_in"))
    params = backbone.init(SHAPE, [5])
    first, *hidden, last = reference(backbone, params)
    h = torch.sin(17.0 * first(coordinates(1)))
    for linear in hidden:
        h = torch.sin(23.0 * linear(h))
    torch.testing.assert_close(backbone.forward(SHAPE, params, coordinates(1)), last(h))
    assert len(hidden) == SHAPE.depth


def test_relu_is_relus():
    backbone = Relu(ReluOptions(bias_init="fan_in"))
    params = backbone.init(SHAPE, [5])
    first, *hidden, last = reference(backbone, params)
    h = torch.relu(first(coordinates(1)))
    for linear in hidden:
        h = torch.relu(linear(h))
    torch.testing.assert_close(backbone.forward(SHAPE, params, coordinates(1)), last(h))


def test_fourier_maps_the_unit_cell_and_then_is_relus():
    backbone = Fourier(FourierOptions(mapping_size=4, sigma=2.0, bias_init="fan_in"))
    params = backbone.init(SHAPE, [5])
    unit = (coordinates(1) + 1) / 2
    phase = 2 * math.pi * unit @ params["mapping"][0].T
    h = torch.cat([phase.cos(), phase.sin()], dim=2)
    *layers, last = reference(backbone, params)
    for linear in layers:
        h = torch.relu(linear(h))
    expected = last(h)
    torch.testing.assert_close(
        backbone.forward(SHAPE, params, coordinates(1)), expected, atol=1e-5, rtol=1e-5
    )
    assert len(layers) == SHAPE.depth  # the mapping takes the place of the first layer


def test_siren_starts_within_the_bounds_of_its_source_and_fills_them():
    shape = NetShape(2, 3, 1, 128)
    options = SirenOptions(bias_init="fan_product", omega_hidden=30.0)
    params = Siren(options).init(shape, range(20))
    bounds = {0: 1 / 2, 1: math.sqrt(6 / 128) / 30, 2: math.sqrt(6 / 128) / 30}
    for index, bound in bounds.items():
        largest = float(params[weight_name(index)].abs().max())
        assert 0.99 * bound < largest <= bound
    assert float(params[bias_name(0)].abs().max()) <= 1 / math.sqrt(2 * 128)


def test_biases_are_bounded_as_named():
    assert bias_bound("fan_in", 4, 9) == 1 / 2
    assert bias_bound("fan_product", 4, 9) == 1 / 6
    assert bias_bound("zeros", 4, 9) == 0
    with pytest.raises(ValueError, match="depends on the grid"):
        bias_bound("paper", 4, 9)


def test_the_mapping_is_gaussian_with_the_asked_deviation():
    drawn = GaussianMapping(2000, 3.0).init(2, torch.Generator().manual_seed(0))["mapping"]
    assert abs(float(drawn.std()) - 3.0) < 0.1
    assert abs(float(drawn.mean())) < 0.2
