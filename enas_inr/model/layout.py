"""Map positions in a signal to cells and coordinates in them.

A position counts samples along an axis: sample i is at i, and the signal extends from -0.5 to
n - 0.5. A cell with the samples [a, b) owns [a - 0.5, b - 0.5), so that every position has exactly
one owner. With the convention `centers`, a cell extrapolates up to half a sample beyond the centres
of its outer samples; `blend` crossfades the two neighbours there instead.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from enas_inr.signals.partition import Convention, cell_edges, local_coordinate

WITHOUT_FLOAT64 = ("mps",)


@dataclass(frozen=True, eq=False)
class Strip:
    """The positions along one axis to which one cell contributes.

    Attributes:
        cell: index of the cell along the axis.
        size: number of samples of the cell along the axis.
        start: index of the first of these positions, which are consecutive.
        local: coordinates of the positions in the cell.
        weight: weight of the cell at each position.
    """

    cell: int
    size: int
    start: int
    local: Float[Tensor, " points"]
    weight: Float[Tensor, " points"]


@dataclass(frozen=True)
class Layout:
    """How a signal was cut.

    Attributes:
        shape: samples along each axis.
        grid: cells along each axis.
        convention: meaning of -1 and +1 in a cell.
        extent: a smaller cell has the coordinates of the middle of a cell of this many samples.
    """

    shape: tuple[int, ...]
    grid: tuple[int, ...]
    convention: Convention
    extent: int = 1

    def positions(self, coordinates: Float[Tensor, "points axes"]) -> Float[Tensor, "points axes"]:
        """Convert coordinates, with -1 and 1 at the edges of the signal, to positions.

        They are in double precision, and on the CPU if the device of the coordinates lacks that.
        """
        if coordinates.device.type in WITHOUT_FLOAT64:
            coordinates = coordinates.cpu()
        sizes = torch.tensor(self.shape, dtype=torch.float64, device=coordinates.device)
        return (coordinates.double() + 1) / 2 * sizes - 0.5

    def owners(
        self, positions: Float[Tensor, "points axes"]
    ) -> tuple[Int[Tensor, " points"], Float[Tensor, "points axes"]]:
        """Return the cell (row-major in the grid) of each position, and its coordinates there."""
        places = [self._edges(axis, positions) for axis in range(len(self.shape))]
        cells = [_owner(positions[:, axis], edges) for axis, edges in enumerate(places)]
        return self._locate(positions, cells)

    def blended(
        self, positions: Float[Tensor, "points axes"]
    ) -> Iterator[
        tuple[Float[Tensor, " points"], Int[Tensor, " points"], Float[Tensor, "points axes"]]
    ]:
        """Iterate over weights, cells and coordinates, of which each position has at most 2^axes.

        The weights sum to one. Between the last sample of a cell and the first of the next, they
        change linearly from one cell to the other; elsewhere the owner has weight one.
        """
        sides = []
        for axis in range(len(self.shape)):
            edges, position = self._edges(axis, positions), positions[:, axis]
            left = _owner(position - 0.5, edges)
            last = edges[left + 1] - 1
            right_weight = (position - last).clamp(0, 1)
            right = (left + 1).clamp_max(self.grid[axis] - 1)
            sides.append([(left, 1 - right_weight), (right, right_weight)])
        for corner in itertools.product(*sides):
            weight = math.prod((w for _, w in corner), start=torch.ones_like(positions[:, 0]))
            if bool((weight > 0).any()):
                yield weight, *self._locate(positions, [cell for cell, _ in corner])

    def strips(self, axis: int, positions: Float[Tensor, " points"], blend: bool) -> list[Strip]:
        """Return the strips of the cells that contribute to positions along one axis.

        Args:
            axis: index of the axis.
            positions: ascending positions in double precision.
            blend: whether neighbours are crossfaded as in `blended`; if not, only the owner of a
                position contributes.
        """
        edges = cell_edges(self.shape[axis], self.grid[axis])
        band = 1.0 if blend else 0.5
        bounds = torch.tensor(edges[1:-1], dtype=positions.dtype)
        first = [0, *torch.searchsorted(positions, bounds - band, right=blend).tolist()]
        last = [*torch.searchsorted(positions, bounds - 1 + band).tolist(), len(positions)]
        strips = []
        for cell, (start, stop) in enumerate(zip(first, last, strict=True)):
            if start >= stop:
                continue
            own = positions[start:stop] - edges[cell]
            size = edges[cell + 1] - edges[cell]
            weight = torch.ones_like(own)
            if blend and cell > 0:
                weight = weight * (own + 1).clamp(0, 1)
            if blend and cell < self.grid[axis] - 1:
                weight = weight * (size - own).clamp(0, 1)
            local = local_coordinate(own, torch.tensor(size), self.convention, self.extent)
            strips.append(Strip(cell, size, start, local.float(), weight.float()))
        return strips

    def _edges(self, axis: int, like: Tensor) -> Int[Tensor, " edges"]:
        return torch.tensor(cell_edges(self.shape[axis], self.grid[axis]), device=like.device)

    def _locate(
        self, positions: Float[Tensor, "points axes"], cells: list[Int[Tensor, " points"]]
    ) -> tuple[Int[Tensor, " points"], Float[Tensor, "points axes"]]:
        linear = torch.zeros(len(positions), dtype=torch.int64, device=positions.device)
        local = []
        for axis, cell in enumerate(cells):
            edges = self._edges(axis, positions)
            linear = linear * self.grid[axis] + cell
            length = edges[cell + 1] - edges[cell]
            local.append(
                local_coordinate(
                    positions[:, axis] - edges[cell], length, self.convention, self.extent
                )
            )
        return linear, torch.stack(local, dim=1).to(torch.float32)


def _owner(position: Float[Tensor, " points"], edges: Int[Tensor, " edges"]) -> Tensor:
    """Return the owner of each position; positions outside the signal belong to the outer cells."""
    return torch.searchsorted(edges[1:-1] - 0.5, position.detach().contiguous(), right=True)
