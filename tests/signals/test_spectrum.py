"""The spectrum of known waves."""

import math

import pytest
import torch

from enas_inr.signals.signal import Signal
from enas_inr.signals.spectrum import spectrum_of


def sound(values):
    return Signal(values.float().reshape(-1, 1), "audio", "s", sample_rate=8000)


def wave(cycles, frames=64_000, peak=0.5):
    return sound(peak * torch.sin(2 * math.pi * cycles * torch.arange(frames)))


@pytest.mark.parametrize("cycles", [0.02, 0.1, 0.3])
def test_a_wave_needs_its_own_frequency(cycles):
    found = spectrum_of(wave(cycles))
    needed, share = found.needed(40.0)
    assert needed == pytest.approx(cycles, abs=0.005)
    assert share == pytest.approx(2 * cycles, abs=0.01)
    assert found.typical == pytest.approx(0.5 / math.sqrt(2), rel=0.01)


def test_more_decibels_need_more_frequencies_and_a_quiet_signal_fewer():
    noise = torch.randn(32_000, generator=torch.Generator().manual_seed(0)).clamp(-3, 3) / 3
    found, quiet = spectrum_of(sound(noise)), spectrum_of(sound(noise / 100))
    shares = [found.needed(db)[1] for db in (10, 20, 40)]
    assert shares == sorted(shares)
    assert shares[-1] > 0.99
    assert quiet.needed(40)[1] == 0.0


def test_what_has_at_least_the_lowest_frequency_is_the_variance():
    found = spectrum_of(wave(0.1, peak=0.8))
    assert found.above[0] == pytest.approx(0.32, rel=0.01)
    assert list(found.above) == sorted(found.above, reverse=True)
    assert list(found.cycles) == sorted(found.cycles)


def test_a_constant_signal_is_flat_and_needs_nothing():
    found = spectrum_of(Signal(torch.full((40, 30, 3), 0.25), "image", "s"))
    assert (found.typical, found.busy, found.flat) == (0.0, 0.0, 1.0)
    assert found.needed(100.0) == (0.0, 0.0)


def test_half_of_a_picture_is_flat():
    values = torch.zeros(64, 64, 1)
    values[:, 32:] = torch.rand(64, 32, 1, generator=torch.Generator().manual_seed(0))
    found = spectrum_of(Signal(values, "image", "s"))
    assert found.flat == pytest.approx(1 / 3)  # of windows that share halves, a third has both
    assert found.busy > 0.2


@pytest.mark.parametrize("shape", [(1,), (5,), (1, 1), (3, 100), (2, 3, 4), (2, 3, 4, 5)])
def test_a_signal_of_any_shape_has_a_spectrum(shape):
    values = torch.rand(*shape, 2, generator=torch.Generator().manual_seed(0))
    found = spectrum_of(Signal(values, "m", "s"))
    assert all(math.isfinite(power) for power in found.above)
    assert 0 <= found.needed(30.0)[1] <= 1
