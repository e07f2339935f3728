"""Quality of a reconstruction: PSNR, SSIM, and PSNR beside the borders of the cells.

All functions take values in [-1, 1] and never clamp them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxtyping import Bool, Float

from enas_inr.errors import SignalError
from enas_inr.result import psnr_paper_db
from enas_inr.signals.partition import Partition, cell_edges
from enas_inr.spec import PSNR_OFFSET_DB

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BorderError", "border_psnr_db", "psnr_db", "ssim"]

_WINDOW = 11  # pixels on a side
_SIGMA = 1.5  # pixels
_RANGE = 2.0  # of values in [-1, 1]
_C1 = (0.01 * _RANGE) ** 2
_C2 = (0.03 * _RANGE) ** 2
_STRIP = 2**18  # values that are compared at once, in double precision


@dataclass(frozen=True)
class BorderError:
    """PSNR in dB (peak 2) for two kinds of samples; None if there are none of a kind.

    Attributes:
        border_db: PSNR of the samples that touch a sample of another cell along an axis.
        interior_db: PSNR of all other samples.
    """

    border_db: float | None
    interior_db: float | None


def psnr_db(a: Float[Tensor, "*axes channels"], b: Float[Tensor, "*axes channels"]) -> float:
    """Return the PSNR in dB over all samples and channels; the peak is the data range, 2.

    Equal signals give the largest value that float32 allows, about 385 dB.

    Raises:
        SignalError: the shapes differ.
    """
    _check_same_shape(a, b)
    total = sum(float(squared.sum()) for _, squared in _squared_errors(a, b))
    return _psnr_db(total, a.numel())


def ssim(
    a: Float[Tensor, "rows columns channels"], b: Float[Tensor, "rows columns channels"]
) -> float:
    """Return the mean structural similarity of two pictures (at most 1), averaged over channels.

    Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", IEEE TIP 13(4), 2004: a Gaussian window of 11x11 pixels with sigma 1.5, K1 = 0.01,
    K2 = 0.03, evaluated where the whole window lies in the picture. If a side has fewer than 11
    pixels, the window has the largest odd size that fits.

    Raises:
        SignalError: the shapes differ, or are not rows, columns, channels.
    """
    import torch

    _check_same_shape(a, b)
    if a.ndim != 3:
        raise SignalError(
            f"SSIM of a signal of shape {tuple(a.shape)}", "give rows, columns and channels"
        )
    shortest = min(a.shape[:2])
    size = min(_WINDOW, shortest - 1 + shortest % 2)
    offsets = torch.arange(size, dtype=torch.float64, device=a.device) - size // 2
    window = torch.exp(-offsets.square() / (2 * _SIGMA**2))
    window /= window.sum()
    # The luminance term needs black at 0. Channels are handled one by one to save memory.
    total = 0.0
    for x, y in zip(a.unbind(-1), b.unbind(-1), strict=True):
        for rows in _strips(x, size - 1):
            total += _ssim_sum(x[rows].double() + 1, y[rows].double() + 1, window)
    places = math.prod(length - size + 1 for length in a.shape[:2])
    return total / (places * a.shape[-1])


def border_psnr_db(
    partition: Partition,
    original: Float[Tensor, "*axes channels"],
    reconstruction: Float[Tensor, "*axes channels"],
) -> BorderError:
    """Return the PSNR beside the borders of cells and elsewhere; seams lower the former.

    Args:
        partition: how the signal was cut; only its grid and shape are used.
        original: the signal.
        reconstruction: a signal of the same shape.

    Raises:
        SignalError: the shapes differ from each other or from that of the partition.
    """
    _check_same_shape(original, reconstruction)
    if tuple(original.shape[:-1]) != partition.shape:
        raise SignalError(
            f"a signal of shape {tuple(original.shape[:-1])} was not cut into this partition of"
            f" shape {partition.shape}",
            "give the signal that was cut",
        )
    border = _beside_border(partition).to(original.device)
    totals, counts = [0.0, 0.0], [0, 0]
    for rows, squared in _squared_errors(original, reconstruction):
        for side, mask in enumerate((border[rows], ~border[rows])):
            errors = squared[mask]
            totals[side] += float(errors.sum())
            counts[side] += errors.numel()
    pairs = zip(totals, counts, strict=True)
    return BorderError(*(_psnr_db(total, count) if count else None for total, count in pairs))


def _beside_border(partition: Partition) -> Bool[Tensor, "*axes"]:
    import torch

    mask = torch.zeros(partition.shape, dtype=torch.bool)
    for axis, (length, cells) in enumerate(zip(partition.shape, partition.grid, strict=True)):
        inner = torch.tensor(cell_edges(length, cells)[1:-1], dtype=torch.int64)
        mask.index_fill_(axis, torch.cat([inner - 1, inner]), True)
    return mask


def _strips(values: Tensor, overlap: int = 0) -> Iterator[slice]:
    """Cut the first axis into parts that are small enough for the memory.

    Args:
        values: what is cut.
        overlap: number of rows at the end of a part with which the next one begins.
    """
    rows = values.shape[0]
    count = max(1, _STRIP * rows // max(values.numel(), 1))
    for start in range(0, max(1, rows - overlap), count):
        yield slice(start, min(rows, start + count + overlap))


def _squared_errors(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Iterate over parts of the first axis, with their squared errors in double precision."""
    for rows in _strips(a):
        yield rows, (a[rows].double() - b[rows].double()).square()


def _ssim_sum(
    x: Float[Tensor, "rows columns"],
    y: Float[Tensor, "rows columns"],
    window: Float[Tensor, " size"],
) -> float:
    """Return the sum of the similarity over all places of the window."""
    maps = (_blurred(one, window) for one in (x, y, x * x, y * y, x * y))
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = maps
    mean_product, mean_squares = mean_x * mean_y, mean_x.square() + mean_y.square()
    covariance, variances = mean_xy - mean_product, mean_xx + mean_yy - mean_squares
    luminance = (2 * mean_product + _C1) / (mean_squares + _C1)
    structure = (2 * covariance + _C2) / (variances + _C2)
    return float((luminance * structure).sum())


def _blurred(
    values: Float[Tensor, "rows columns"], window: Float[Tensor, " size"]
) -> Float[Tensor, "inner_rows inner_columns"]:
    """Blur along both axes where the whole window lies inside.

    The sum of shifted copies is several times as quick as a convolution of doubles on a CPU.
    """
    weights = window.tolist()
    for axis in (0, 1):
        length = values.shape[axis] - len(weights) + 1
        total = values.narrow(axis, 0, length) * weights[0]
        for place, weight in enumerate(weights[1:], 1):
            total.add_(values.narrow(axis, place, length), alpha=weight)
        values = total
    return values


def _psnr_db(total: float, count: int) -> float:
    return psnr_paper_db(total / count) + PSNR_OFFSET_DB


def _check_same_shape(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise SignalError(
            f"signals of shape {tuple(a.shape)} and {tuple(b.shape)} cannot be compared",
            "give a reconstruction of the same signal",
        )
