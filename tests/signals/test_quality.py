import math

import numpy as np
import pytest
import torch

from enas_inr.errors import SignalError
from enas_inr.result import psnr_paper_db
from enas_inr.signals import quality
from enas_inr.signals.partition import cut
from enas_inr.signals.quality import border_psnr_db, psnr_db, ssim
from enas_inr.spec import PSNR_OFFSET_DB


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def slow_ssim(a, b):
    """Compute SSIM by Wang et al. 2004, window by window, on 8-bit levels."""
    a, b = ((x.double().numpy() + 1) * 127.5 for x in (a, b))
    rows, columns, channels = a.shape
    size = max(k for k in range(1, 12, 2) if k <= min(rows, columns))
    at = np.arange(size) - size // 2
    weights = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    weights /= weights.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for channel in range(channels):
        for top in range(rows - size + 1):
            for left in range(columns - size + 1):
                x, y = (s[top : top + size, left : left + size, channel] for s in (a, b))
                mx, my = (weights * x).sum(), (weights * y).sum()
                vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
                cov = (weights * (x - mx) * (y - my)).sum()
                found.append(
                    (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
                )
    return np.mean(found)


def test_psnr_has_the_data_range_as_its_peak():
    a = torch.zeros(5, 4, 3)
    assert psnr_db(a, a + 0.2) == pytest.approx(20 * math.log10(2 / 0.2), abs=1e-5)


def test_psnr_weighs_every_sample_and_channel_alike():
    a, b = noise(7, 2), noise(7, 2, seed=1)
    mse = float(np.mean((a.double().numpy() - b.double().numpy()) ** 2))
    assert psnr_db(a, b) == pytest.approx(10 * math.log10(4 / mse))


def test_psnr_of_equal_signals_is_capped_as_in_training():
    a = noise(4, 4, 1)
    assert psnr_db(a, a) == psnr_paper_db(0.0) + PSNR_OFFSET_DB


@pytest.mark.parametrize("measure", [psnr_db, ssim])
def test_signals_of_different_shapes_are_refused(measure):
    with pytest.raises(SignalError, match=r"\(4, 4, 1\) and \(4, 4, 3\)"):
        measure(noise(4, 4, 1), noise(4, 4, 3))


@pytest.mark.parametrize("shape", [(17, 14, 3), (11, 11, 1), (8, 20, 1), (5, 3, 4), (2, 1, 1)])
def test_ssim_is_the_published_one(shape):
    a = noise(*shape)
    b = (a + 0.3 * noise(*shape, seed=1)).clamp(-1, 1)
    assert ssim(a, b) == pytest.approx(slow_ssim(a, b), abs=1e-9)


def test_ssim_is_1_for_equal_pictures_symmetric_and_negative_for_the_inverse():
    a, b = noise(16, 16, 3), noise(16, 16, 3, seed=1)
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a, b) == pytest.approx(ssim(b, a))
    assert ssim(a, -a) < 0


def test_ssim_is_for_pictures():
    with pytest.raises(SignalError, match="rows, columns"):
        ssim(noise(50, 1), noise(50, 1))


def cell_of(length, cells):
    return [max(i for i in range(cells) if i * length // cells <= at) for at in range(length)]


@pytest.mark.parametrize(
    ("shape", "grid"), [((40,), (5,)), ((11, 13), (3, 2)), ((9, 8), (1, 4)), ((6, 7, 5), (2, 2, 1))]
)
def test_border_samples_are_those_that_touch_another_cell(shape, grid):
    original, made = noise(*shape, 2), noise(*shape, 2, seed=1)
    cells = [cell_of(*axis) for axis in zip(shape, grid, strict=True)]
    squares: dict[bool, list[float]] = {True: [], False: []}
    for at in np.ndindex(*shape):
        touches = any(
            0 <= at[axis] + side < shape[axis]
            and cells[axis][at[axis]] != cells[axis][at[axis] + side]
            for axis in range(len(shape))
            for side in (-1, 1)
        )
        squares[touches].append(float((original[at].double() - made[at]).square().mean()))
    error = border_psnr_db(cut(original, grid), original, made)
    assert error.border_db == pytest.approx(10 * math.log10(4 / np.mean(squares[True])), abs=1e-5)
    assert error.interior_db == pytest.approx(
        10 * math.log10(4 / np.mean(squares[False])), abs=1e-5
    )


def test_an_error_at_a_seam_lies_beside_the_border_alone():
    original = torch.zeros(8, 8, 1)
    made = original.clone()
    made[3:5] = 0.5
    error = border_psnr_db(cut(original, (2, 1)), original, made)
    assert error.border_db == pytest.approx(20 * math.log10(4))
    assert error.interior_db == psnr_db(original, original)


def test_one_cell_has_no_border_and_cells_of_one_sample_no_interior():
    a, b = noise(8, 8, 1), noise(8, 8, 1, seed=1)
    whole, small = border_psnr_db(cut(a, (1, 1)), a, b), border_psnr_db(cut(a, (8, 1)), a, b)
    assert (whole.border_db, whole.interior_db) == (None, psnr_db(a, b))
    assert (small.border_db, small.interior_db) == (psnr_db(a, b), None)


def test_a_signal_that_was_not_cut_so_is_refused():
    a = noise(8, 8, 1)
    with pytest.raises(SignalError, match="partition"):
        border_psnr_db(cut(a[:4], (2, 2)), a, a)


@pytest.mark.parametrize("values", [1, 40, 333])
def test_parts_of_a_picture_give_the_same_as_the_whole(monkeypatch, values):
    a, b = (torch.rand(29, 23, 3, generator=torch.Generator().manual_seed(s)) for s in (1, 2))
    partition = cut(a, (3, 4))

    def measured():
        border = border_psnr_db(partition, a, b)
        return [psnr_db(a, b), ssim(a, b), border.border_db, border.interior_db]

    whole = measured()
    monkeypatch.setattr(quality, "_STRIP", values)
    assert measured() == pytest.approx(whole, rel=1e-12)
