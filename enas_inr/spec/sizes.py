"""Grids that suit a signal, from its shape alone: where a search may look, and where it may begin.

Measured in docs/recipes.md: cells of an image fit best with about 8 to 24 samples a side, those of
a sound with about 1,000 to 8,000 samples, those of a volume with about 4 to 12 samples a side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from enas_inr.spec.architecture import SignalInfo

SIDES = {1: (1_000, 8_000), 2: (4, 32)}
"""The fewest and the most samples along the shortest side of a cell, by the axes of the signal."""

VOLUME_SIDES = (3, 24)

USUAL_SIDE = {1: 2_000, 2: 10}
"""The samples along the shortest side of a cell with which to begin."""

USUAL_VOLUME_SIDE = 7

FEWEST = 3  # grids, where the signal is too small for cells of those sides


def shortest_side(info: SignalInfo) -> int:
    """Return the samples along the shortest axis that is worth cutting.

    An axis with fewer samples than a cell should have gets a cell for each of them with any grid,
    so the other axes decide.
    """
    low, _ = SIDES.get(len(info.shape), VOLUME_SIDES)
    return min((length for length in info.shape if length >= low), default=max(info.shape))


def capping(info: SignalInfo, grid: int) -> str:
    """Return a line about a grid that has fewer cells along an axis, or an empty text."""
    along = info.cells_along(grid)
    if min(along) == grid:
        return ""
    cells, samples = ("x".join(map(str, sides)) for sides in (along, info.shape))
    called = f"; it is called grid {max(along)}" if max(along) < grid else ""
    return f"grid {grid} is {cells} cells on {samples} samples, at most one a sample{called}"


def suggested_grids(info: SignalInfo) -> tuple[int, ...]:
    """Return the grids that are worth trying: powers of two, ascending, usually three or four.

    No grid has more cells than the longest axis has samples.

    Args:
        info: metadata of the signal.
    """
    shortest = shortest_side(info)
    low, high = SIDES.get(len(info.shape), VOLUME_SIDES)
    powers = _powers(shortest)
    return tuple(m for m in powers if low <= shortest / m <= high) or powers[:FEWEST]


def first_grid(info: SignalInfo, grids: Sequence[int] = ()) -> int:
    """Return the one of the suggested grids with which to begin.

    Args:
        info: metadata of the signal.
        grids: the suggested grids; empty for those of this signal alone.
    """
    usual = USUAL_SIDE.get(len(info.shape), USUAL_VOLUME_SIDE)
    shortest = shortest_side(info)
    return min(grids or suggested_grids(info), key=lambda m: abs(math.log(shortest / m / usual)))


def common_grids(infos: Sequence[SignalInfo]) -> tuple[int, ...]:
    """Return grids that suit the smallest of several signals, and have equal cells on all of them.

    Args:
        infos: metadata of the signals, at least one.
    """
    grids = suggested_grids(min(infos, key=shortest_side))
    if len({info.cells_along(max(grids)) for info in infos}) == 1:
        return grids
    least = min(min(info.shape) for info in infos)
    return tuple(m for m in grids if m <= least) or _powers(least)[:FEWEST]


def _powers(most: int) -> tuple[int, ...]:
    """Return the powers of two up to a number."""
    return tuple(2**exponent for exponent in range(most.bit_length()))
