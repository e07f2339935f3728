"""The kernel for any backbone: autograd through `forward`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Backbone
from enas_inr.cost import NetShape
from enas_inr.training.chunks import ChunkPlan, tiles
from enas_inr.training.kernel import BlockData, ChunkState, Kernel, UpdateRule
from enas_inr.training.optimizers.base import Step
from enas_inr.training.packing import Packing


def member_bytes(packing: Packing, shape: NetShape, tile: int, state: int) -> int:
    """Estimate the memory of one member; autograd keeps several values for each unit.

    Args:
        packing: layout of its numbers.
        shape: shape of the network.
        tile: number of samples at a time.
        state: bytes of the state of the optimizer.
    """
    units = (shape.depth + 2) * shape.width + shape.out_features
    return state + 4 * (3 * packing.numbers + 6 * tile * units)


@final
class GeneralKernel(Kernel):
    """Minimises the mean squared error by full-batch steps, for whatever `forward` computes."""

    def __init__(
        self,
        backbone: Backbone,
        shape: NetShape,
        packing: Packing,
        block: BlockData,
        rule: UpdateRule,
        plan: ChunkPlan,
    ) -> None:
        self._packing = packing
        self._backbone, self._shape, self._block = backbone, shape, block
        self._rule = rule
        self._tiles = tiles(len(block.coordinates), plan.tile)

    def run(self, chunk: ChunkState, steps: Sequence[Step]) -> Float[Tensor, "steps members"]:
        """Train in place; return each member's mean squared error before each step's update."""
        gradient = torch.empty_like(chunk.weights)
        slots = self._packing.unpack(gradient)
        weights, slopes = self._packing.view(chunk.weights), self._packing.view(gradient)
        targets = self._block.targets[chunk.cells]
        losses = torch.zeros(len(steps), chunk.members, device=chunk.weights.device)
        for row, step in enumerate(steps):
            gradient.zero_()
            leaves = self._packing.unpack(chunk.weights.detach())
            for leaf in leaves.values():
                leaf.requires_grad_()
            for start, stop in self._tiles:
                loss = self._loss(leaves, chunk, targets[:, start:stop], start, stop)
                losses[row] += loss.detach()
                # Members share nothing, so the gradient of the sum holds that of each member.
                parts = torch.autograd.grad(loss.sum(), list(leaves.values()), allow_unused=True)
                for slot, part in zip(slots.values(), parts, strict=True):
                    if part is not None:
                        slot += part
            self._rule.update_(weights, slopes, chunk, step)
        return losses

    def _loss(
        self,
        leaves: dict[str, Tensor],
        chunk: ChunkState,
        targets: Float[Tensor, "members points out"],
        start: int,
        stop: int,
    ) -> Float[Tensor, " members"]:
        """Each member's share of its mean squared error from these samples."""
        x = self._block.coordinates[start:stop].expand(chunk.members, -1, -1)
        values = self._backbone.forward(self._shape, {**leaves, **chunk.constants}, x)
        error = values - targets
        values_per_cell = len(self._block.coordinates) * targets.shape[2]
        return error.square().sum(dim=(1, 2)) / values_per_cell
