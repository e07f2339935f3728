"""Estimates of the loss of a whole signal from a sample of its cells."""

import math

import numpy as np
import pytest

from enas_inr.estimate import Sample, difference_db, encoded, interval_db, spread


def losses(count, seed, noise=0.3):
    """Losses of cells, in their nested order: some cells are much busier than others."""
    draw = np.random.default_rng(seed)
    busy = np.sort(draw.lognormal(sigma=0.8, size=count))
    return (busy * draw.lognormal(sigma=noise, size=count))[list(spread(count))]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13, 64, 100])
def test_every_number_is_picked_once(count):
    assert sorted(spread(count)) == list(range(count))


@pytest.mark.parametrize("count", [64, 100, 1000])
def test_beginnings_spread_evenly(count):
    order = spread(count)
    for picked in (4, 8, 16, 32):
        gaps = np.diff(sorted([-1, *order[:picked], count]))
        assert max(gaps) <= 2 * count / picked + 2


@pytest.mark.parametrize("share", [2, 4, 8])
def test_the_interval_holds_the_loss_of_the_whole_signal_about_as_often_as_it_says(share):
    errors, halves = [], []
    for count in range(200, 400):  # another sample for each
        every = losses(count, count)
        part = every[: count // share].tolist()
        errors.append(10 * math.log10(np.mean(part) / every.mean()))
        halves.append(interval_db(part, count))
    assert np.mean(np.abs(errors) <= halves) > 0.85
    assert abs(np.mean(errors)) < 0.1  # no bias


def test_all_cells_have_no_interval_and_a_single_one_an_infinite_one():
    assert interval_db([1.0, 2.0, 3.0], 3) == 0
    assert interval_db([1.0], 3) == math.inf


def test_the_same_cells_are_compared_one_by_one():
    every = losses(256, 1, noise=0)
    ours, theirs = every[:16] / 2, every[:16]
    gain, half = difference_db(ours.tolist(), theirs.tolist(), (256, 256))
    assert gain == pytest.approx(10 * math.log10(2))
    assert half == pytest.approx(0, abs=1e-9)
    _, apart = difference_db(ours.tolist(), theirs.tolist(), (256, 64))
    assert apart > interval_db(theirs.tolist(), 256) > 0.1


def test_a_longer_sample_is_compared_on_the_cells_of_the_shorter_one():
    every = losses(64, 3).tolist()
    assert difference_db(every[:8], every[:16], (64, 64)) == (0, 0)


def test_a_sample_keeps_its_arrays():
    curve = np.arange(6, dtype=np.float32).reshape(2, 3)
    ends = np.ones((2, 4), dtype=np.float32)
    sample = Sample(cells=4, of=9, samples=4, curve=encoded(curve), ends=encoded(ends))
    again = Sample.model_validate_json(sample.model_dump_json())
    assert np.array_equal(again.curves(2), curve)
    assert np.array_equal(again.losses(2), ends)
