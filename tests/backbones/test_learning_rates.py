"""The learning rates that fit an architecture."""

import pytest

from enas_inr.backbones.fourier import Fourier
from enas_inr.backbones.options import SirenOptions
from enas_inr.backbones.relu import Relu
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape
from enas_inr.spec import TrainingSpec

MANY = 10_000  # samples of a cell
STEPS = 500


def shape(depth, width):
    return NetShape(in_features=2, out_features=3, depth=depth, width=width)


def siren(**options):
    return Siren(SirenOptions(bias_init="fan_in", **options))


@pytest.mark.parametrize("steps", [10, STEPS, 100_000])
@pytest.mark.parametrize("points", [16, MANY])
@pytest.mark.parametrize("backbone", [siren(), Relu(), Fourier()])
def test_a_rate_never_rises_with_the_width_or_the_depth(backbone, points, steps):
    rates = {
        (d, w): backbone.learning_rate(shape(d, w), points, steps)
        for d in range(6)
        for w in (8, 64, 512)
    }
    for (depth, width), rate in rates.items():
        assert 0 < rate < 0.1
        assert all(rate >= rates[d, w] for d, w in rates if d >= depth and w >= width)


def test_a_high_first_frequency_lowers_the_rate():
    usual, high = siren(), siren(omega_first=1000)
    assert usual.learning_rate(shape(1, 64), MANY, STEPS) == pytest.approx(0.076 / 8)
    for depth, highest in ((1, 1), (3, 1), (4, 3 / 4), (6, 1 / 2)):
        rate = high.learning_rate(shape(depth, 64), MANY, STEPS)
        assert rate == pytest.approx(highest / 1000)


def test_a_network_with_ample_parameters_has_a_lower_rate():
    rates = [siren().learning_rate(shape(1, 64), points, STEPS) for points in (16, 64, 256, 4096)]
    assert rates == sorted(rates)
    assert rates[0] < rates[-1] == pytest.approx(0.076 / 8)


def test_deep_networks_have_a_lower_rate_in_small_cells_and_long_trainings():
    usual = siren().learning_rate(shape(5, 32), 256, STEPS)
    assert siren().learning_rate(shape(5, 32), 1024, STEPS) > usual
    assert siren().learning_rate(shape(5, 32), 256, 2000) < usual
    assert siren().learning_rate(shape(1, 32), 1024, 2000) == pytest.approx(0.076 / 32**0.5)


def test_the_rate_of_wide_networks_falls_less_with_the_depth():
    narrow, wide = (siren().learning_rate(shape(5, w), MANY, STEPS) for w in (16, 64))
    assert narrow == pytest.approx(0.076 / (5**1.05 * 16**0.5))
    assert 0.076 / (5**1.05 * 64**0.5) < wide < narrow


def test_only_fitted_defaults_use_them():
    assert TrainingSpec.from_profile("tuned").fits_rate
    assert not TrainingSpec.from_profile("tuned", learning_rate=1e-3).fits_rate
    assert not TrainingSpec.from_profile("paper").fits_rate
