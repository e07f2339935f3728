"""Evaluate scattered points, each by the member that owns it.

Points are grouped by member, since a batch of members with many points each is one product of
matrices. How many points a member has depends on their values, which neither `torch.func.vmap` nor
`torch.compile` allows; there each point gets a copy of the numbers of its member.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from enas_inr.model.layout import Layout

UNITS_AT_ONCE = 2**23  # hidden units times points: 32 MiB a buffer

Evaluate = Callable[
    [Int[Tensor, " members"], Float[Tensor, "members points axes"]],
    Float[Tensor, "members points channels"],
]
"""Evaluates the members of some rows, each at points of its own; a row may occur more than once."""


def is_traced(x: Tensor) -> bool:
    """Whether the shapes of an evaluation at `x` must not depend on its values.

    That is so where `torch.compile` or `torch.export` compiles, and inside `torch.func.vmap`.
    """
    if torch.compiler.is_compiling():
        return True
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(x):
        if functorch.is_batchedtensor(x):
            return True
        x = functorch.get_unwrapped(x)
    return False


def one_by_one(
    layout: Layout, evaluate: Evaluate, positions: Float[Tensor, "points axes"], *, blend: bool
) -> Float[Tensor, "points channels"]:
    """Evaluate each point by a copy of its member, so that shapes depend on shapes alone.

    Args:
        layout: how the signal was cut.
        evaluate: evaluates members, whose rows are the cells.
        positions: the points, in samples.
        blend: crossfade neighbouring cells between their outer samples.
    """
    if not blend:
        cells, local = layout.owners(positions)
        return evaluate(cells, local.unsqueeze(1)).squeeze(1)
    parts = []
    for weight, cells, local in layout.blended(positions):
        values = evaluate(cells, local.unsqueeze(1)).squeeze(1)
        parts.append(weight.unsqueeze(1).to(values.dtype) * values)
    return torch.stack(parts).sum(dim=0)


def by_member(
    evaluate: Evaluate,
    rows: Int[Tensor, " points"],
    local: Float[Tensor, "points axes"],
    channels: int,
    width: int,
) -> Float[Tensor, "points channels"]:
    """Group the points by member, pad to the fullest one, and evaluate all as few batches.

    Args:
        evaluate: evaluates members.
        rows: the row of the member of each point.
        local: the coordinates of each point in its cell.
        channels: number of channels.
        width: units of a hidden layer, which limit the size of a batch.
    """
    values = local.new_empty(len(local), channels)
    if not len(local):
        return values
    members, member, counts = torch.unique(rows, return_inverse=True, return_counts=True)
    order = torch.argsort(member, stable=True)
    starts = torch.cumsum(counts, 0) - counts
    slot = torch.empty_like(order)
    slot[order] = torch.arange(len(order), device=order.device) - starts[member[order]]
    most = int(counts.max())
    at_once = max(1, 4 * UNITS_AT_ONCE // (most * max(width, 1)))
    outputs = []
    for first in range(0, len(members), at_once):
        chosen = members[first : first + at_once]
        inside = ((member >= first) & (member < first + at_once)).nonzero().flatten()
        place = (member[inside] - first, slot[inside])
        x = local.new_zeros(len(chosen), most, local.shape[1]).index_put(place, local[inside])
        outputs.append((inside, evaluate(chosen, x)[place].to(values.dtype)))
    for inside, output in outputs:
        values = values.index_copy(0, inside, output)
    return values
