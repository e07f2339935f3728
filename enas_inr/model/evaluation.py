"""Evaluate the members of a model at scattered points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import NetShape
from enas_inr.errors import one_line, warn_once
from enas_inr.model.layout import Layout
from enas_inr.model.points import UNITS_AT_ONCE, by_member, is_traced, one_by_one
from enas_inr.signals.partition import block_cells
from enas_inr.training.device import lacks


@dataclass(frozen=True, eq=False)
class Evaluator:
    """The members of a model.

    Attributes:
        layout: how the signal was cut.
        backbone: evaluates the members.
        shape: the shape of each member.
        channels: number of channels.
        blocks: for each shape of cells the members' leaves, `cells ...`.
    """

    layout: Layout
    backbone: Backbone
    shape: NetShape
    channels: int
    blocks: tuple[Params, ...]

    @cached_property
    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The block of each cell (row-major in the grid), and its row in the block.

        Not tensors, since one that is made inside a transformation must not outlive it.
        """
        blocks = block_cells(self.layout.shape, self.layout.grid)
        block = np.empty(sum(map(len, blocks)), dtype=np.int64)
        row = np.empty_like(block)
        for index, cells in enumerate(blocks):
            block[list(cells)] = index
            row[list(cells)] = np.arange(len(cells))
        return block, row

    @property
    def device(self) -> torch.device:
        """The device of the numbers."""
        return next(iter(self.blocks[0].values())).device

    def at(
        self, positions: Float[Tensor, "points axes"], *, blend: bool = False
    ) -> Float[Tensor, "points channels"]:
        """Evaluate at positions, counted in samples of the original."""
        if is_traced(positions):
            return self._traced(positions, blend)
        width = max(self.shape.width, 1)
        pieces = positions.split(max(1, UNITS_AT_ONCE // width))  # type: ignore[no-untyped-call]
        return torch.cat([self._at(piece, blend) for piece in pieces])

    def _traced(self, positions: Float[Tensor, "points axes"], blend: bool) -> Tensor:
        """Do the same where shapes must not depend on values (see `points.is_traced`)."""
        # Nothing is kept: what is made inside a transformation must not outlive it.
        order = torch.tensor(
            [cell for block in block_cells(self.layout.shape, self.layout.grid) for cell in block]
        ).argsort()
        row_of = order.to(positions.device)
        leaves = {
            name: torch.cat([block[name] for block in self.blocks]) for name in self.blocks[0]
        }

        def evaluate(cells: Tensor, x: Tensor) -> Tensor:
            return self._rows(leaves, row_of[cells], x.float())

        return one_by_one(self.layout, evaluate, positions, blend=blend)

    def _at(self, positions: Float[Tensor, "points axes"], blend: bool) -> Tensor:
        if not (blend and len(positions)):
            cells, local = self.layout.owners(positions)
            return self._members(cells, local.float())
        parts = [
            weight.float().unsqueeze(1) * self._members(cells, local.float())
            for weight, cells, local in self.layout.blended(positions)
            if bool((weight > 0).any())
        ]
        return torch.stack(parts).sum(dim=0)

    def _members(
        self, cells: Int[Tensor, " points"], local: Float[Tensor, "points axes"]
    ) -> Float[Tensor, "points channels"]:
        """Evaluate each point by the member of its cell."""
        block_of, row_of = (torch.from_numpy(table).to(cells.device) for table in self._places)
        values = local.new_empty(len(local), self.channels)
        for index, leaves in enumerate(self.blocks):
            mine = (block_of[cells] == index).nonzero().flatten()
            if len(mine):
                here = partial(self._rows, leaves)
                rows, width = row_of[cells[mine]], self.shape.width
                part = by_member(here, rows, local[mine], values.shape[1], width)
                values = values.index_copy(0, mine, part)
        return values

    def members(
        self, cells: Int[Tensor, " cells"], local: Float[Tensor, "cells points axes"]
    ) -> Float[Tensor, "cells points channels"]:
        """Evaluate some members of one block: see `Model.members`."""
        block_of, row_of = map(torch.from_numpy, self._places)
        leaves = self.blocks[int(block_of[cells[0]])]
        rows = row_of[cells].to(self.device)
        picked = {name: leaf[rows] for name, leaf in leaves.items()}
        return self._forward(picked, local).cpu()

    def _rows(
        self,
        leaves: Params,
        rows: Int[Tensor, " members"],
        x: Float[Tensor, "members points axes"],
    ) -> Float[Tensor, "members points channels"]:
        picked = {name: leaf[rows.to(leaf.device)] for name, leaf in leaves.items()}
        return self._forward(picked, x)

    def _forward(
        self, leaves: Params, x: Float[Tensor, "members points axes"]
    ) -> Float[Tensor, "members points channels"]:
        """Evaluate on the device of the model, and return the values on that of the points."""
        try:
            values = self.backbone.forward(self.shape, leaves, x.to(self.device))
        except Exception as error:
            if not lacks(self.device, error):
                raise
            warn_once(f"rendering on the CPU, since {self.device} failed: {one_line(error)}")
            on_cpu = {name: leaf.cpu() for name, leaf in leaves.items()}
            values = self.backbone.forward(self.shape, on_cpu, x.cpu())
        return values.to(x.device)
