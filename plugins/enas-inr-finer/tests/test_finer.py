import pytest
import torch
from enas_inr_finer.finer import Finer, FinerOptions

from enas_inr.cost import NetShape
from enas_inr.testing import BackboneSuite, installed


class TestFiner(BackboneSuite):
    @pytest.fixture
    def plugin(self):
        return installed("backbone", "finer")


def test_the_activations_are_sines_of_a_variable_period():
    shape = NetShape(in_features=2, out_features=1, depth=0, width=4)
    backbone = Finer(FinerOptions(omega=7.0))
    params = backbone.init(shape, [3])
    x = torch.rand(1, 6, 2)
    z = x @ params["layers.0.weight"].mT + params["layers.0.bias"]
    h = torch.sin(7.0 * (z.abs() + 1) * z)
    expected = h @ params["layers.1.weight"].mT + params["layers.1.bias"]
    torch.testing.assert_close(backbone.forward(shape, params, x), expected)


def test_the_first_biases_fill_their_bound():
    shape = NetShape(in_features=2, out_features=1, depth=1, width=100)
    params = Finer(FinerOptions(first_bias=5.0)).init(shape, range(10))
    assert 4.9 < float(params["layers.0.bias"].abs().max()) <= 5
    assert float(params["layers.1.bias"].abs().max()) <= 0.1
