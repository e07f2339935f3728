"""Renderings below the original size are means over areas, and sounds are filtered."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from enas_inr.errors import SpecError
from enas_inr.model.sampling import MAX_EVALUATIONS, samplings
from tests.model.test_model import fitted, signal


def rendered(of, shape, **asked):
    """Return a function of positions, as it is rendered."""
    axes = samplings(shape, **asked)
    values = of(*torch.meshgrid(*(axis.positions() for axis in axes), indexing="ij"))
    for number, axis in enumerate(axes):
        values = axis.filtered(values, number)
    return values


def chirp(row, column):
    return torch.cos((row**2 + column**2) / 170)


@pytest.mark.parametrize("count", [64, 32, 16])
def test_a_chirp_looks_as_resized_with_an_area_filter(count):
    original = chirp(*torch.meshgrid(*(2 * [torch.arange(256.0)]), indexing="ij")).numpy()
    resized = Image.fromarray(original).resize((count, count), Image.Resampling.BOX)
    ours = rendered(chirp, (256, 256), size=(count, count)).numpy()
    assert np.abs(ours - np.asarray(resized)).max() < 1e-3
    alone = chirp(
        *torch.meshgrid(*(2 * [(torch.arange(count) + 0.5) * 256 / count - 0.5]), indexing="ij")
    )
    assert np.abs(alone.numpy() - np.asarray(resized)).max() > 0.5  # single values are not


@pytest.mark.parametrize("limit", [2**23, 300])
def test_a_smaller_model_is_the_mean_of_its_samples(limit, monkeypatch):
    monkeypatch.setattr("enas_inr.model.model.UNITS_AT_ONCE", limit)
    model = fitted(signal(12, 8, 3))
    whole = model.render().values
    half = model.render(size=(6, 2)).values
    expected = whole.reshape(6, 2, 2, 4, 3).mean(dim=(1, 3))
    torch.testing.assert_close(half, expected, atol=1e-5, rtol=0)


def tone(periods):
    return lambda at: torch.sin(2 * math.pi * periods * at)


def test_a_tone_beyond_the_new_rate_is_gone_and_a_lower_one_stays():
    """At an eighth of the rate, up to 0.0625 periods a sample can be kept."""
    for count in (1000, 1100):
        for periods, kept in ((0.02, True), (0.045, True), (0.08, False), (0.2, False)):
            made = rendered(tone(periods), (8000,), size=(count,), sound=True)
            middle = made[50:-50]
            if kept:
                at = (torch.arange(count, dtype=torch.float64) + 0.5) * 8000 / count - 0.5
                torch.testing.assert_close(middle, tone(periods)(at)[50:-50], atol=1e-3, rtol=0)
            else:
                assert float(middle.abs().max()) < 1e-3


def test_a_constant_sound_is_constant_to_its_ends():
    made = rendered(torch.ones_like, (100,), size=(9,), sound=True)
    torch.testing.assert_close(made, torch.ones(9, dtype=torch.float64))


@pytest.mark.parametrize(
    ("shape", "size"), [((10**6,), (2,)), ((9999, 9999), (1, 1)), ((512,) * 3, (1, 2, 4))]
)
def test_the_evaluations_of_a_sample_are_bounded(shape, size):
    factors = [axis.factor for axis in samplings(shape, size)]
    assert math.prod(factors) <= MAX_EVALUATIONS
    assert all(factor <= n / count for factor, n, count in zip(factors, shape, size, strict=True))


def test_larger_renderings_have_one_value_for_each_sample():
    assert [axis.factor for axis in samplings((10, 10), (10, 33))] == [1, 1]


def test_a_sound_that_is_too_long_to_be_rendered_is_one_line():
    with pytest.raises(SpecError, match="scale 1 makes more than"):
        samplings((2**32,))
