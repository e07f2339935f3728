"""Grids that suit a signal, from its shape alone: where a search may look, and where it may begin.

Measured in docs/recipes.md: cells of an image fit best with about 8 to 24 samples a side, those of
a sound with about 1,000 to 8,000 samples, those of a volume with about 4 to 12 samples a side.
"""

from __future__ import annotations

import math

from enas_inr.spec.architecture import SignalInfo

SIDES = {1: (1_000, 8_000), 2: (4, 32)}
"""The fewest and the most samples along the shortest side of a cell, by the axes of the signal."""

VOLUME_SIDES = (3, 24)

USUAL_SIDE = {1: 2_000, 2: 10}
"""The samples along the shortest side of a cell with which to begin."""

USUAL_VOLUME_SIDE = 7

FEWEST = 3  # grids, where the signal is too small for cells of those sides


def suggested_grids(info: SignalInfo) -> tuple[int, ...]:
    """Return the grids that are worth trying: powers of two, ascending, usually three or four.

    No grid has more cells along an axis than the signal has samples.

    Args:
        info: metadata of the signal.
    """
    shortest = min(info.shape)
    low, high = SIDES.get(len(info.shape), VOLUME_SIDES)
    powers = [2**exponent for exponent in range(shortest.bit_length())]
    return tuple(m for m in powers if low <= shortest / m <= high) or tuple(powers[:FEWEST])


def first_grid(info: SignalInfo) -> int:
    """Return the one of the suggested grids with which to begin.

    Args:
        info: metadata of the signal.
    """
    usual = USUAL_SIDE.get(len(info.shape), USUAL_VOLUME_SIDE)
    shortest = min(info.shape)
    return min(suggested_grids(info), key=lambda m: abs(math.log(shortest / m / usual)))
