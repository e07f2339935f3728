import pytest
import torch
from enas_inr_gauss.gauss import Gauss, GaussOptions

from enas_inr.cost import NetShape
from enas_inr.testing import BackboneSuite, installed


class TestGauss(BackboneSuite):
    @pytest.fixture
    def plugin(self):
        return installed("backbone", "gauss")


def test_the_activations_are_gaussians_of_the_given_deviation():
    shape = NetShape(in_features=2, out_features=1, depth=0, width=4)
    backbone = Gauss(GaussOptions(sigma=0.2))
    params = backbone.init(shape, [3])
    x = torch.rand(1, 6, 2)
    z = x @ params["layers.0.weight"].mT + params["layers.0.bias"]
    h = torch.exp(-((z / 0.2) ** 2) / 2)
    expected = h @ params["layers.1.weight"].mT + params["layers.1.bias"]
    torch.testing.assert_close(backbone.forward(shape, params, x), expected)
