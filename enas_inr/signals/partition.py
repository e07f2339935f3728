"""Cut a signal into the cells of a grid, and reassemble cells.

The edges of the cells lie at i * length // cells along each axis. The sizes of cells therefore
differ by at most one sample, so that there are at most 2^axes shapes. The cells of one shape form a
block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from enas_inr.errors import SignalError
from enas_inr.validation import counted

Convention = Literal["centers", "edges"]
"""The meaning of -1 and +1 in a cell: the centres of its outer samples, or its edges."""


@dataclass(frozen=True, eq=False)
class CellBlock:
    """All cells of one shape.

    Attributes:
        shape: samples of a cell along each axis.
        cells: row-major linear indices of the cells in the grid, in ascending order.
        values: samples of the cells and of the margin around them, row-major.
    """

    shape: tuple[int, ...]
    cells: tuple[int, ...]
    values: Float[Tensor, "cells points channels"]


@dataclass(frozen=True, eq=False)
class Partition:
    """A signal cut into cells; every sample belongs to exactly one cell.

    Attributes:
        grid: cells along each axis.
        shape: samples of the signal along each axis.
        blocks: the cells, grouped by their shape.
        margin: samples beyond the borders of each cell that its block holds as well.
        picked: linear indices of the cells that the blocks hold, in the order in which they were
            picked; None for all cells (see `cut_some`).
    """

    grid: tuple[int, ...]
    shape: tuple[int, ...]
    blocks: tuple[CellBlock, ...]
    margin: int = 0
    picked: tuple[int, ...] | None = None

    @property
    def cell_count(self) -> int:
        """The number of cells."""
        return math.prod(self.grid)

    @property
    def samples(self) -> int:
        """The number of samples of the cells that the blocks hold."""
        return sum(math.prod(block.shape) * len(block.cells) for block in self.blocks)

    @cached_property
    def flat_mse(self) -> float:
        """The mean squared error of the best constant for each of the cells."""
        total = torch.zeros((), dtype=torch.float64)
        for block in self.blocks:
            variance = block.values.var(dim=1, correction=0).mean(dim=1)
            total += variance.double().sum() * math.prod(block.shape)
        return float(total) / self.samples

    @property
    def weights(self) -> Int[Tensor, " cells"]:
        """Samples of each cell by linear index, which weight it in the MSE of the signal."""
        weights = torch.empty(self.cell_count, dtype=torch.int64)
        for block in self.blocks:
            weights[list(block.cells)] = math.prod(block.shape)
        return weights


@dataclass(frozen=True)
class _AxisRun:
    """The cells of one size along one axis."""

    size: int
    cells: tuple[int, ...]
    starts: tuple[int, ...]


def cell_edges(length: int, cells: int) -> tuple[int, ...]:
    """Return the boundaries of the cells along one axis, from 0 to `length`.

    Raises:
        SignalError: there is less than one cell, or there are more cells than samples.
    """
    if not 1 <= cells <= length:
        raise SignalError(
            f"an axis of {counted(length, 'sample')} cannot be cut into {counted(cells, 'cell')}",
            f"choose a grid from 1 to {length}" if length else "give a signal with samples",
        )
    return tuple(i * length // cells for i in range(cells + 1))


def cut(
    values: Float[Tensor, "*axes channels"], grid: tuple[int, ...], margin: int = 0
) -> Partition:
    """Cut a signal into cells. Blocks hold copies and share no memory with `values`.

    Args:
        values: the signal, on any device.
        grid: cells along each axis.
        margin: number of samples of the neighbours to include on each side. Beyond the border of
            the signal, its outer samples are repeated.

    Raises:
        SignalError: the grid does not have one entry for each axis, or an entry is below 1 or
            exceeds the length of its axis.
    """
    shape = tuple(values.shape[:-1])
    blocks = tuple(
        CellBlock(
            shape=tuple(run.size for run in runs),
            cells=_linear_indices(runs, grid),
            values=values[_positions(runs, shape, margin, values.device)].reshape(
                math.prod(len(run.cells) for run in runs), -1, values.shape[-1]
            ),
        )
        for runs in _runs(shape, grid)
    )
    return Partition(grid=tuple(grid), shape=shape, blocks=blocks, margin=margin)


def cut_some(
    values: Float[Tensor, "*axes channels"],
    grid: tuple[int, ...],
    cells: Sequence[int],
    margin: int = 0,
) -> Partition:
    """Cut some of the cells out of a signal, without a copy of the others.

    Args:
        values: the signal, as for `cut`.
        grid: cells along each axis.
        cells: linear indices of the cells to cut.
        margin: number of samples of the neighbours to include on each side.

    Returns:
        The partition with these cells; in each block, they are in ascending order.
    """
    shape, wanted = tuple(values.shape[:-1]), set(cells)
    blocks = []
    for runs in _runs(shape, grid):
        rows = [(i, c) for i, c in enumerate(_linear_indices(runs, grid)) if c in wanted]
        if not rows:
            continue
        index = torch.tensor([row for row, _ in rows])
        places = torch.unravel_index(index, [len(run.cells) for run in runs])
        where = []
        for axis, (run, place) in enumerate(zip(runs, places, strict=True)):
            starts = torch.tensor(run.starts)[place]
            samples = torch.arange(-margin, run.size + margin)
            inside = (starts[:, None] + samples).clamp(0, shape[axis] - 1)
            view = [len(rows)] + [1] * len(runs)
            view[1 + axis] = len(samples)
            where.append(inside.reshape(view).to(values.device))
        picked = values[tuple(where)].reshape(len(rows), -1, values.shape[-1])
        blocks.append(CellBlock(tuple(r.size for r in runs), tuple(c for _, c in rows), picked))
    return Partition(tuple(grid), shape, tuple(blocks), margin, tuple(cells))


def block_cells(shape: tuple[int, ...], grid: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the cells of each block in the order of `cut`; raises as `cut`."""
    return [_linear_indices(runs, grid) for runs in _runs(shape, grid)]


def block_shapes(shape: tuple[int, ...], grid: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the samples of a cell of each block in the order of `cut`; raises as `cut`."""
    return [tuple(run.size for run in runs) for runs in _runs(shape, grid)]


def assemble(
    partition: Partition, outputs: Sequence[Float[Tensor, "_ _ channels"]]
) -> Float[Tensor, "*axes channels"]:
    """Reassemble cells into a signal; the inverse of `cut`.

    Args:
        partition: how the signal was cut.
        outputs: for each block in order, `[cells, points, channels]` without the margin. The
            number of channels may differ from that of the signal.

    Raises:
        SignalError: the outputs do not match the blocks.
    """
    wanted = [(len(block.cells), math.prod(block.shape)) for block in partition.blocks]
    received = [tuple(output.shape[:2]) for output in outputs]
    if wanted != received:
        raise SignalError(
            f"outputs of shape {received} do not fit blocks of shape {wanted}",
            "give one output per block, in order",
        )
    whole = outputs[0].new_empty((*partition.shape, outputs[0].shape[-1]))
    for runs, output in zip(_runs(partition.shape, partition.grid), outputs, strict=True):
        sizes = [len(run.cells) for run in runs] + [run.size for run in runs]
        whole[_positions(runs, partition.shape, 0, whole.device)] = output.reshape(*sizes, -1)
    return whole


def cell_coordinates(
    shape: tuple[int, ...], convention: Convention, *, margin: int = 0, extent: int = 1
) -> Float[Tensor, "points axes"]:
    """Return the coordinates of the samples of a cell: float32, row-major, axes as in the grid.

    Args:
        shape: samples of the cell along each axis.
        convention: with `centers`, the first and last sample are at -1 and +1 (a single sample is
            at 0); with `edges`, the edges of the cell are there, half a sample further out.
        margin: number of samples to include beyond each border, where coordinates continue.
        extent: a smaller cell gets the coordinates of the middle of a cell of this many samples.
    """
    axes = [_axis_coordinates(length, convention, margin, extent) for length in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, len(shape))


def _axis_coordinates(
    length: int, convention: Convention, margin: int, extent: int
) -> Float[Tensor, " points"]:
    # In double precision from integers, which is exactly symmetric, unlike a float32 linspace.
    steps = torch.arange(-margin, length + margin, dtype=torch.float64)
    return local_coordinate(steps, torch.tensor(length), convention, extent).to(torch.float32)


def local_coordinate(
    position: Float[Tensor, "*points"],
    length: Int[Tensor, "*#points"],
    convention: Convention,
    extent: int,
) -> Float[Tensor, "*points"]:
    """Return the coordinate of a position in its cell along one axis, about from -1 to +1.

    Args:
        position: in samples from the first sample of the cell; may be fractional or outside.
        length: samples of the cell.
        convention: as in `cell_coordinates`.
        extent: as in `cell_coordinates`.
    """
    return (2 * position + 1 - length) / cell_extent(length, convention, extent)


def cell_extent(length: Tensor, convention: Convention, extent: int) -> Tensor:
    """The distance from -1 to +1 in samples, for cells of these lengths."""
    longest = length.clamp_min(extent)
    return longest if convention == "edges" else (longest - 1).clamp_min(1)


def _runs(shape: tuple[int, ...], grid: tuple[int, ...]) -> list[tuple[_AxisRun, ...]]:
    """For each block a tuple with the cells of one size along each axis."""
    if len(shape) != len(grid):
        raise SignalError(
            f"grid {tuple(grid)} has {counted(len(grid), 'entry', 'entries')}, "
            f"the signal has {counted(len(shape), 'axis', 'axes')}",
            "give one entry per axis",
        )
    return list(product(*(_axis_runs(*axis) for axis in zip(shape, grid, strict=True))))


def _axis_runs(length: int, cells: int) -> list[_AxisRun]:
    spans = list(enumerate(pairwise(cell_edges(length, cells))))
    by_size: dict[int, list[tuple[int, int]]] = {}
    for cell, (start, stop) in spans:
        by_size.setdefault(stop - start, []).append((cell, start))
    return [
        _AxisRun(size, tuple(cell for cell, _ in found), tuple(start for _, start in found))
        for size, found in sorted(by_size.items(), reverse=True)
    ]


def _linear_indices(runs: tuple[_AxisRun, ...], grid: tuple[int, ...]) -> tuple[int, ...]:
    linear = torch.zeros(1, dtype=torch.int64)
    for run, cells in zip(runs, grid, strict=True):
        linear = (linear[:, None] * cells + torch.tensor(run.cells)).flatten()
    return tuple(linear.tolist())


def _positions(
    runs: tuple[_AxisRun, ...], shape: tuple[int, ...], margin: int, device: torch.device
) -> tuple[Tensor, ...]:
    """Index tensors that broadcast to `[cells of axis 0, ..., points of axis 0, ...]`.

    A single gather then brings all cells of a block into order, without an intermediate copy.
    """
    axes = len(runs)
    positions = []
    for axis, run in enumerate(runs):
        view = [1] * (2 * axes)
        view[axis], view[axes + axis] = len(run.cells), run.size + 2 * margin
        starts = torch.tensor(run.starts, device=device)
        samples = torch.arange(-margin, run.size + margin, device=device)
        inside = (starts[:, None] + samples).clamp(0, shape[axis] - 1)
        positions.append(inside.reshape(view))
    return tuple(positions)
