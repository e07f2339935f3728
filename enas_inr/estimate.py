"""Estimates of the loss of a whole signal from a sample of its cells.

The cells of a sample are those of `enas_inr.signals.stratified.nested_order`, from the first: one
from each part of a list that is sorted by how busy they are. The variance of their mean is
estimated from the differences of neighbours in that list, as for a systematic sample (Wolter,
Introduction to Variance Estimation, 2007, section 8.2), with the correction for a finite number.
Losses have long tails, so an interval holds the true value somewhat less often than it should; its
2.5 standard errors allow for that.
"""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Sequence
from functools import cache
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

from enas_inr.validation import Frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

__all__ = ["Sample", "difference_db", "interval_db", "spread"]

Z = 2.5  # standard errors of an interval
DB = 10 / math.log(10)


class Sample(Frozen):
    """The losses of a sample of the cells.

    Attributes:
        cells: number of cells of the sample.
        of: number of all cells.
        samples: samples of the signal that are in these cells.
        curve: mean loss over them before the update of each step, as base64 of float32,
            `repeats steps`.
        ends: loss of each cell at its last step, as base64 of float32, `repeats cells`.
    """

    cells: int
    of: int
    samples: int
    curve: str
    ends: str

    def curves(self, repeats: int) -> Array:
        """Return `curve` as an array of `repeats steps`."""
        return _decoded(self.curve, repeats)

    def losses(self, repeats: int) -> Array:
        """Return `ends` as an array of `repeats cells`."""
        return _decoded(self.ends, repeats)

    def of_repeats(self, wanted: slice, repeats: int) -> Sample:
        """Return the sample with some of its `repeats`."""
        kept = {
            "curve": encoded(self.curves(repeats)[wanted]),
            "ends": encoded(self.losses(repeats)[wanted]),
        }
        return self.model_copy(update=kept)


def encoded(values: Array) -> str:
    """Return an array of float32 as base64."""
    return base64.b64encode(values.tobytes()).decode()


def _decoded(text: str, rows: int) -> Array:
    import numpy as np

    return np.frombuffer(base64.b64decode(text), dtype=np.float32).reshape(rows, -1)


@cache
def spread(count: int) -> tuple[int, ...]:
    """Return the numbers below `count` in an order whose beginnings spread over them evenly.

    This is a van der Corput sequence, scrambled (Owen, Randomly Permuted (t,m,s)-Nets and
    (t,s)-Sequences, 1995): the first 2^k numbers have one at random from each of 2^k equal parts.
    """
    return tuple(_scrambled(list(range(count)), random.Random(count)))


def _scrambled(numbers: list[int], draw: random.Random) -> list[int]:
    if len(numbers) < 2:
        return numbers
    middle = (len(numbers) + draw.randrange(2)) // 2
    halves = numbers[:middle], numbers[middle:]
    first, second = (_scrambled(half, draw) for half in draw.sample(halves, 2))
    pairs = zip_longest(first, second)
    return [number for pair in pairs for number in pair if number is not None]


def interval_db(losses: Sequence[float], of: int) -> float:
    """Return half the width of the 95% interval of the PSNR of the whole signal, in dB.

    Args:
        losses: loss of each cell of the sample.
        of: number of all cells.
    """
    mean = math.fsum(losses) / len(losses)
    return DB * Z * _error([loss / mean for loss in losses], of)


def difference_db(
    ours: Sequence[float], theirs: Sequence[float], of: tuple[int, int]
) -> tuple[float, float]:
    """Return how much higher our PSNR is, and half the width of the 95% interval of that, in dB.

    Samples of the same cells are compared cell by cell, which makes the interval narrower.

    Args:
        ours: loss of each cell of our sample.
        theirs: loss of each cell of the other one.
        of: number of all cells, of each.
    """
    if of[0] != of[1]:
        half = math.hypot(interval_db(ours, of[0]), interval_db(theirs, of[1]))
        return -DB * math.log(_mean(ours) / _mean(theirs)), half
    common = min(len(ours), len(theirs))
    ours, theirs = ours[:common], theirs[:common]
    us, them = _mean(ours), _mean(theirs)
    residuals = [a / us - b / them for a, b in zip(ours, theirs, strict=True)]
    return -DB * math.log(us / them), DB * Z * _error(residuals, of[0])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _error(values: Sequence[float], of: int) -> float:
    """The standard error of the mean of a sample of the cells; infinite for a single one."""
    count = len(values)
    if count == of:
        return 0.0
    if count < 2:
        return math.inf
    ranks = spread(of)[:count]
    ordered = [value for _, value in sorted(zip(ranks, values, strict=True))]
    squares = ((b - a) ** 2 for a, b in pairwise(ordered))
    variance = math.fsum(squares) / (2 * (count - 1))
    return math.sqrt(variance / count * (1 - count / of))
