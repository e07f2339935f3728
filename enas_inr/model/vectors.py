"""The numbers of a model as one vector, and a model from a vector.

A vector holds the cells one after the other, in row-major order of the grid; of each cell its
leaves, in the order in which the backbone draws them (weight and bias of each layer); and of each
leaf its numbers in row-major order, a complex one as its real and its imaginary part.
`vector.reshape(cells, -1)` therefore has a row for each sub-network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.errors import ModelError


def by_cell(
    blocks: Sequence[Params], cells: Sequence[Sequence[int]], names: Sequence[str]
) -> dict[str, Tensor]:
    """Return the leaves of all cells, `cells ...` in row-major order of the grid, on the CPU.

    Args:
        blocks: the leaves of each block.
        cells: linear indices of the cells of each block.
        names: the leaves to return, in their order.
    """
    order = torch.tensor([cell for block in cells for cell in block]).argsort()
    return {name: torch.cat([block[name].cpu() for block in blocks])[order] for name in names}


def in_blocks(leaves: Params, cells: Sequence[Sequence[int]]) -> tuple[Params, ...]:
    """Return copies of the leaves of all cells, block by block; the inverse of `by_cell`."""
    return tuple(
        {name: leaf[torch.tensor(block)] for name, leaf in leaves.items()} for block in cells
    )


def to_vector(leaves: Params) -> Float[Tensor, " numbers"]:
    """Join the leaves of all cells, `cells ...`, into a new vector."""
    real = [torch.view_as_real(x) if x.is_complex() else x for x in leaves.values()]
    return torch.cat([leaf.reshape(len(leaf), -1) for leaf in real], dim=1).flatten()


def from_vector(vector: Float[Tensor, " numbers"], like: Mapping[str, Tensor]) -> Params:
    """Cut a vector into the leaves of all cells; the inverse of `to_vector`.

    Args:
        vector: the numbers, on any device.
        like: leaves of as many cells, with the shapes and types to make.

    Raises:
        ModelError: the vector has another length.
    """
    cells = len(next(iter(like.values())))
    widths = [math.prod(leaf.shape[1:]) * (2 if leaf.is_complex() else 1) for leaf in like.values()]
    if vector.shape != (cells * sum(widths),):
        raise ModelError(
            f"a vector of shape {tuple(vector.shape)} is not one of the model, which has "
            f"{cells * sum(widths)} numbers",
            "give one of `Model.vector` or of a data set",
        )
    rows = vector.detach().to("cpu", torch.float32).reshape(cells, -1)
    leaves = {}
    for (name, leaf), part in zip(like.items(), torch.split(rows, widths, dim=1), strict=True):
        if leaf.is_complex():
            pairs = part.reshape(cells, *leaf.shape[1:], 2)
            leaves[name] = torch.view_as_complex(pairs.clone())  # which begins at an even place
        else:
            leaves[name] = part.reshape(leaf.shape)
    return leaves
