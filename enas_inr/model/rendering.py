"""Evaluate a model on a regular grid of positions, cell by cell.

Along each axis the positions of one cell follow each other, so what a cell owns of the grid is a
box; boxes of equal size are evaluated as one batch, and nothing has to be sorted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from enas_inr.model.layout import Layout, Strip

Evaluate = Callable[
    [Int[Tensor, " cells"], Float[Tensor, "cells points axes"]],
    Float[Tensor, "cells points channels"],
]
"""Evaluates some members of one block, each at points in its own coordinates; on the CPU."""


@torch.no_grad()
def render_grid(
    layout: Layout,
    channels: int,
    evaluate: Evaluate,
    axes: Sequence[Float[Tensor, " _"]],
    *,
    blend: bool,
) -> Float[Tensor, "*axes channels"]:
    """The values of an ensemble at every combination of positions.

    Args:
        layout: how the signal was cut.
        channels: numbers of a value.
        evaluate: the members, see `Model.members`.
        axes: ascending positions along each axis, in samples of the original.
        blend: crossfade neighbouring cells between their outer samples.
    """
    values = torch.zeros(*map(len, axes), channels)
    strips = [_alike(layout.strips(axis, axes[axis], blend)) for axis in range(len(axes))]
    for box in itertools.product(*strips):
        _add_box(layout.grid, evaluate, box, values)
    return values


def _alike(strips: Sequence[Strip]) -> list[list[Strip]]:
    """Strips of equal length, of cells of equal size, that do not overlap.

    Neighbours may overlap, every other cell does not.
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
    """Add what the cells at the crossings of some strips contribute."""
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
