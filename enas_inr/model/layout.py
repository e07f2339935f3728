"""Map positions in a signal to cells and coordinates in them.

A position counts samples along an axis: sample i is at i, and the signal extends from -0.5 to
n - 0.5. A cell with the samples [a, b) owns [a - 0.5, b - 0.5), so that every position has exactly
one owner. With the convention `centers`, a cell extrapolates up to half a sample beyond the centres
of its outer samples; `blend` crossfades the two neighbours there instead.
"""

from __future__ import annotations

import itertools
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

    def positions(
        self, coordinates: Float[Tensor, "*points axes"]
    ) -> Float[Tensor, "*points axes"]:
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
        cells = [self._owner(axis, positions[:, axis]) for axis in range(len(self.shape))]
        return self._locate(positions, cells)

    def blended(
        self, positions: Float[Tensor, "points axes"]
    ) -> Iterator[
        tuple[Float[Tensor, " points"], Int[Tensor, " points"], Float[Tensor, "points axes"]]
    ]:
        """Iterate over weights, cells and coordinates, of which each position has 2^axes.

        The weights sum to one. Between the last sample of a cell and the first of the next, they
        change linearly from one cell to the other; elsewhere the owner has weight one. Nothing
        depends on the values of the positions but values, so that this can be vectorised.
        """
        sides = []
        for axis in range(len(self.shape)):
            position = positions[:, axis]
            left = self._owner(axis, position - 0.5)
            last = self._edge(axis, left + 1) - 1
            right_weight = (position - last).clamp(0, 1)
            right = (left + 1).clamp_max(self.grid[axis] - 1)
            sides.append([(left, 1 - right_weight), (right, right_weight)])
        for corner in itertools.product(*sides):
            weight = torch.ones_like(positions[:, 0])
            for _, share in corner:
                weight = weight * share
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

    def locate(
        self, positions: Float[Tensor, "*points axes"], cells: Int[Tensor, "*#points"]
    ) -> Float[Tensor, "*points axes"]:
        """Return the coordinates of positions in given cells, in the precision of the positions.

        Args:
            positions: as for `owners`.
            cells: linear indices, row-major in the grid.
        """
        local = [
            self._local(axis, positions[..., axis], cell)
            for axis, cell in enumerate(self._along(cells))
        ]
        return torch.stack(local, dim=-1)

    def first_samples(self, cells: Int[Tensor, " cells"]) -> list[Int[Tensor, " cells"]]:
        """Return the first sample of cells along each axis.

        Args:
            cells: linear indices, row-major in the grid.
        """
        return [self._edge(axis, cell) for axis, cell in enumerate(self._along(cells))]

    def _along(self, cells: Int[Tensor, "*points"]) -> list[Int[Tensor, "*points"]]:
        along = []
        for count in reversed(self.grid):
            along.append(cells % count)
            cells = cells // count
        return along[::-1]

    def _locate(
        self, positions: Float[Tensor, "points axes"], cells: list[Int[Tensor, " points"]]
    ) -> tuple[Int[Tensor, " points"], Float[Tensor, "points axes"]]:
        linear = torch.zeros_like(cells[0])
        for count, cell in zip(self.grid, cells, strict=True):
            linear = linear * count + cell
        local = [self._local(axis, positions[:, axis], cell) for axis, cell in enumerate(cells)]
        return linear, torch.stack(local, dim=1)

    def _local(
        self, axis: int, position: Float[Tensor, "*points"], cell: Int[Tensor, "*#points"]
    ) -> Float[Tensor, "*points"]:
        first = self._edge(axis, cell)
        length = self._edge(axis, cell + 1) - first
        return local_coordinate(position - first, length, self.convention, self.extent)

    def _edge(self, axis: int, cell: Int[Tensor, "*points"]) -> Int[Tensor, "*points"]:
        """Return the first sample of cells along an axis, as `cell_edges` has it."""
        return cell * self.shape[axis] // self.grid[axis]

    def _owner(self, axis: int, position: Float[Tensor, "*points"]) -> Int[Tensor, "*points"]:
        """Return the owner of each position; those outside the signal belong to the outer cells.

        It is the last cell whose first sample, `cell * length // cells`, is not beyond the sample
        that the position belongs to; found without a search, so that it can be vectorised.
        """
        length, cells = self.shape[axis], self.grid[axis]
        sample = (position.detach() + 0.5).nan_to_num(0).clamp(0, length - 1).to(torch.int64)
        return ((sample + 1) * cells - 1) // length
