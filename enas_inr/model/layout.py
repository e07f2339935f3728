"""Which cell a position belongs to, and where it is in that cell.

A position counts samples along an axis: sample i is at i, the signal reaches from -0.5 to n - 0.5.
A cell with the samples [a, b) owns [a - 0.5, b - 0.5): every position has one owner, without gaps.
Under the convention `centers`, half a sample beyond the outer sample centres is extrapolated;
there, `blend` crossfades the two neighbours instead.
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


@dataclass(frozen=True)
class Layout:
    """How a signal was cut.

    Attributes:
        shape: samples along each axis.
        grid: cells along each axis.
        convention: of the coordinates in a cell.
    """

    shape: tuple[int, ...]
    grid: tuple[int, ...]
    convention: Convention

    def positions(self, coordinates: Float[Tensor, "points axes"]) -> Float[Tensor, "points axes"]:
        """Turn coordinates in [-1, 1] across the whole signal (its edges) into positions."""
        sizes = torch.tensor(self.shape, dtype=torch.float64, device=coordinates.device)
        return (coordinates.double() + 1) / 2 * sizes - 0.5

    def owners(
        self, positions: Float[Tensor, "points axes"]
    ) -> tuple[Int[Tensor, " points"], Float[Tensor, "points axes"]]:
        """Each position's cell (row-major in the grid), and its coordinates there."""
        places = [self._edges(axis, positions) for axis in range(len(self.shape))]
        cells = [_owner(positions[:, axis], edges) for axis, edges in enumerate(places)]
        return self._locate(positions, cells)

    def blended(
        self, positions: Float[Tensor, "points axes"]
    ) -> Iterator[
        tuple[Float[Tensor, " points"], Int[Tensor, " points"], Float[Tensor, "points axes"]]
    ]:
        """Each position's cells with their weights, which sum to one; at most 2^axes of them.

        Between the last sample of a cell and the first of the next, the weight goes linearly from
        one to the other; elsewhere it is the owner's alone.
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
                local_coordinate(positions[:, axis] - edges[cell], length, self.convention)
            )
        return linear, torch.stack(local, dim=1).to(torch.float32)


def _owner(position: Float[Tensor, " points"], edges: Int[Tensor, " edges"]) -> Tensor:
    """The cell that owns each position; the outer cells own what lies beyond the signal."""
    return torch.searchsorted(edges[1:-1] - 0.5, position.detach().contiguous(), right=True)
