"""The learning rates that fit an architecture."""

import pytest

from enas_inr.backbones.fourier import Fourier
from enas_inr.backbones.options import SirenOptions
from enas_inr.backbones.relu import Relu
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape
from enas_inr.spec import TrainingSpec


def shape(depth, width):
    return NetShape(in_features=2, out_features=3, depth=depth, width=width)


@pytest.mark.parametrize("backbone", [Siren(), Relu(), Fourier()])
def test_a_rate_never_rises_with_the_width_or_the_depth(backbone):
    rates = {(d, w): backbone.learning_rate(shape(d, w)) for d in range(6) for w in (8, 64, 512)}
    for (depth, width), rate in rates.items():
        assert 0 < rate < 0.1
        assert all(rate >= rates[d, w] for d, w in rates if d >= depth and w >= width)


def test_a_high_first_frequency_lowers_the_rate():
    usual, high = Siren(), Siren(SirenOptions(omega_first=1000))
    assert usual.learning_rate(shape(1, 64)) == pytest.approx(0.45 / 64)
    assert high.learning_rate(shape(1, 64)) == pytest.approx(0.5 / 1000)


def test_only_fitted_defaults_use_them():
    assert TrainingSpec.from_profile("tuned").fits_rate
    assert not TrainingSpec.from_profile("tuned", learning_rate=1e-3).fits_rate
    assert not TrainingSpec.from_profile("paper").fits_rate
    assert not TrainingSpec.from_profile("smooth").fits_rate
