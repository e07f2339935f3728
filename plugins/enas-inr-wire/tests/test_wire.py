import pytest
import torch
from enas_inr_wire.wire import Wire, WireOptions

from enas_inr.cost import NetShape
from enas_inr.testing import BackboneSuite, installed

SHAPE = NetShape(in_features=2, out_features=3, depth=1, width=4)


class TestWire(BackboneSuite):
    @pytest.fixture
    def plugin(self):
        return installed("backbone", "wire")


def test_the_activations_are_complex_gabor_wavelets():
    params = Wire(WireOptions(omega=6.0, scale=3.0)).init(SHAPE, [3])
    h = torch.rand(1, 6, 2)
    x = h
    for index in (0, 1):
        z = h @ params[f"layers.{index}.weight"].mT + params[f"layers.{index}.bias"]
        h = torch.exp(6j * z) * torch.exp(-((3 * z.abs()) ** 2))
    expected = (h @ params["layers.2.weight"].mT + params["layers.2.bias"]).real
    made = Wire(WireOptions(omega=6.0, scale=3.0)).forward(SHAPE, params, x)
    torch.testing.assert_close(made, expected)


def test_all_but_the_first_layer_are_complex():
    params = Wire().init(SHAPE, [0, 1])
    assert {name for name, leaf in params.items() if not leaf.is_complex()} == {
        "layers.0.weight",
        "layers.0.bias",
    }
