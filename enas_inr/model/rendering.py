"""Evaluate a model on a regular grid of positions, cell by cell.

The positions of a cell are consecutive along each axis, so that a cell owns a box of the grid.
Boxes of equal size are evaluated as one batch, without sorting positions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from enas_inr.model.layout import Layout, Strip
from enas_inr.model.sampling import Sampling

Evaluate = Callable[
    [Int[Tensor, " cells"], Float[Tensor, "cells points axes"]],
    Float[Tensor, "cells points channels"],
]
"""Evaluates members of one block, each at points in the coordinates of its cell, on the CPU."""


@torch.no_grad()
def render_parts(
    layout: Layout,
    channels: int,
    evaluate: Evaluate,
    axes: Sequence[Sampling],
    *,
    blend: bool,
    limit: int,
) -> Iterator[tuple[Float[Tensor, "part *axes channels"], float]]:
    """Render an ensemble in parts of its first axis.

    Args:
        layout: how the signal was cut.
        channels: number of channels.
        evaluate: evaluates members of the ensemble; see `Model.members`.
        axes: the samples along each axis.
        blend: whether to crossfade neighbouring cells between their outer samples.
        limit: number of positions that are evaluated at once, about.

    Yields:
        The values of the next samples along the first axis, and the share that is done.
    """
    sides = _sides(axes, limit)
    ranges = [
        [(start, min(start + side, axis.count)) for start in range(0, axis.count, side)]
        for axis, side in zip(axes, sides, strict=True)
    ]
    for first, last in ranges[0]:
        part = torch.empty(last - first, *(axis.count for axis in axes[1:]), channels)
        for box in itertools.product([(first, last)], *ranges[1:]):
            positions = [axis.positions(*of) for axis, of in zip(axes, box, strict=True)]
            values = render_grid(layout, channels, evaluate, positions, blend=blend)
            for number, axis in enumerate(axes):
                values = axis.filtered(values, number)
            part[(slice(None), *(slice(*of) for of in box[1:]))] = values
        yield part, last / axes[0].count


def _sides(axes: Sequence[Sampling], limit: int) -> list[int]:
    """Return the samples along each axis of boxes that have at most `limit` positions, about.

    The first axes are divided before the others.
    """
    sides = [axis.count for axis in axes]
    for number, axis in enumerate(axes):
        others = math.prod(
            side * other.factor
            for place, (side, other) in enumerate(zip(sides, axes, strict=True))
            if place != number
        )
        room = limit // others - 2 * axis.margin
        sides[number] = min(sides[number], max(1, axis.margin // axis.factor, room // axis.factor))
    return sides


@torch.no_grad()
def render_grid(
    layout: Layout,
    channels: int,
    evaluate: Evaluate,
    axes: Sequence[Float[Tensor, " _"]],
    *,
    blend: bool,
) -> Float[Tensor, "*axes channels"]:
    """Return the values of an ensemble at every combination of positions.

    Args:
        layout: how the signal was cut.
        channels: number of channels.
        evaluate: evaluates members of the ensemble; see `Model.members`.
        axes: ascending positions along each axis, in samples of the original.
        blend: whether to crossfade neighbouring cells between their outer samples.
    """
    values = torch.zeros(*map(len, axes), channels)
    strips = [_alike(layout.strips(axis, axes[axis], blend)) for axis in range(len(axes))]
    for box in itertools.product(*strips):
        _add_box(layout.grid, evaluate, box, values)
    return values


def _alike(strips: Sequence[Strip]) -> list[list[Strip]]:
    """Group strips that have equal length, belong to cells of equal size, and do not overlap.

    Neighbouring cells may overlap, so even and odd cells are in different groups.
    """
    groups: dict[tuple[int, int, int], list[Strip]] = {}
    for strip in strips:
        groups.setdefault((strip.size, len(strip.local), strip.cell % 2), []).append(strip)
    return list(groups.values())


def _add_box(
    grid: Sequence[int],
    evaluate: Evaluate,
    box: tuple[list[Strip], ...],
    values: Float[Tensor, "*axes channels"],
) -> None:
    """Add the contributions of the cells at the crossings of some strips."""
    count = len(box)
    cells = torch.zeros(1, dtype=torch.int64)
    local, weight, where = [], torch.ones(()), []
    for axis, strips in enumerate(box):
        view = [1] * (2 * count)
        view[axis], view[count + axis] = len(strips), len(strips[0].local)
        along = torch.tensor([strip.cell for strip in strips])
        cells = (cells[:, None] * grid[axis] + along).flatten()
        starts = torch.tensor([strip.start for strip in strips])
        where.append((starts[:, None] + torch.arange(len(strips[0].local))).reshape(view))
        local.append(torch.stack([strip.local for strip in strips]).reshape(view))
        weight = weight * torch.stack([strip.weight for strip in strips]).reshape(view)
    x = torch.stack(torch.broadcast_tensors(*local), dim=-1)  # type: ignore[no-untyped-call]
    made = evaluate(cells, x.reshape(len(cells), -1, count))
    values[tuple(where)] += made.reshape(*x.shape[:-1], -1) * weight.unsqueeze(-1)
