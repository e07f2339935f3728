"""Options of the backbone `grid`, and the resolutions of its levels; without torch."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field

from enas_inr.spec import Options, Searchable, SignalInfo, TrainingSpec

FINEST_SHARE = 0.5
"""Grid cells of the finest level for each interval between samples of a cell."""

SMALLEST_SPAN = 1e-3


class GridOptions(Options):
    """Options of `grid`.

    Attributes:
        levels: number of feature grids; fewer if there are not as many resolutions.
        features: numbers at each vertex of a level.
        base: intervals of the coarsest level along each axis.
        finest: intervals of the finest level along each axis; None for half as many as there are
            between the samples of a cell along its longest axis.
        table: most rows of a level. A level with more vertices is hashed to as many rows; None
            for dense levels.
        interpolation: between the vertices, `linear`, or `smooth` for continuous slopes.
        span: the levels reach from -span to span in the coordinates of a cell.
    """

    levels: Annotated[int, Searchable("2..6")] = Field(default=4, ge=1, le=32)
    features: Annotated[int, Searchable("1,2,4")] = Field(default=2, ge=1, le=64)
    base: int = Field(default=2, ge=1, le=65_536)
    finest: Annotated[int | None, Searchable("4..32:log")] = Field(default=None, ge=1, le=65_536)
    table: int | None = Field(default=None, ge=1, le=2**24)
    interpolation: Literal["linear", "smooth"] = "linear"
    span: float = Field(default=1.0, gt=0)

    def fitted(self, signal: SignalInfo, grid: int, training: TrainingSpec) -> Self:
        """Let the levels span the coordinates that the samples of a cell and its margin have."""
        if "span" in self.model_fields_set:
            return self
        reach = max(
            (samples + 2 * training.margin) / max(samples, training.extent)
            if training.coordinates == "edges"
            else (samples - 1 + 2 * training.margin) / max(samples - 1, training.extent - 1, 1)
            for samples in _cell(signal, grid)
        )
        return self.model_copy(update={"span": round(max(reach, SMALLEST_SPAN), 6)})

    def resolve(self, signal: SignalInfo, grid: int) -> Self:
        """Choose the finest resolution by the samples of a cell, and limit the others to it."""
        intervals = max(_cell(signal, grid)) - 1
        finest = self.finest or max(1, round(FINEST_SHARE * intervals))
        base = min(self.base, finest)
        levels = min(self.levels, finest - base + 1)
        return self.model_copy(update={"finest": finest, "base": base, "levels": levels})


def resolutions(options: GridOptions) -> tuple[int, ...]:
    """Return the intervals of each level along each axis, from the coarsest to the finest.

    They grow by a constant factor, as far as whole numbers allow; no two are equal.
    """
    finest = options.finest or options.base
    if options.levels == 1:
        return (finest,)
    factor = (finest / options.base) ** (1 / (options.levels - 1))
    chosen = [options.base]
    for level in range(1, options.levels):
        chosen.append(max(round(options.base * factor**level), chosen[-1] + 1))
    return (*chosen[:-1], finest)


def rows(resolution: int, axes: int, table: int | None) -> int:
    """Return the rows of a level: one for each vertex, or those of its hash table."""
    vertices: int = (resolution + 1) ** axes
    return vertices if table is None else min(vertices, table)


def _cell(signal: SignalInfo, grid: int) -> tuple[int, ...]:
    """Return the samples of the largest cell along each axis."""
    along = zip(signal.shape, signal.cells_along(grid), strict=True)
    return tuple(math.ceil(length / cells) for length, cells in along)
