"""What a training kernel is: it takes a chunk of members some steps further.

A kernel owns the scratch memory of a step and is used for one chunk after the other, so that a
chunk's scratch stays in the cache; what a chunk keeps between two runs is in its ChunkState.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.adam import adam

from enas_inr.backbones.base import Params
from enas_inr.training.packing import Packing


@dataclass(frozen=True)
class AdamSettings:
    """Adam's hyperparameters (Kingma and Ba, ICLR 2015)."""

    learning_rate: float
    betas: tuple[float, float]
    epsilon: float


@dataclass(eq=False)
class ChunkState:
    """What some members are between two runs: tensors that a kernel updates in place.

    Attributes:
        weights: trained numbers, flat, in the kernel's packing.
        first_moment: Adam's, likewise.
        second_moment: Adam's, likewise.
        step: how many updates were made, a scalar tensor.
        constants: leaves that are not trained, `members ...`.
        cells: the row of the block's targets that each member fits.
    """

    weights: Float[Tensor, " flat"]
    first_moment: Float[Tensor, " flat"]
    second_moment: Float[Tensor, " flat"]
    step: Float[Tensor, ""]
    constants: Params
    cells: Tensor

    @classmethod
    def start(
        cls, packing: Packing, params: Params, constants: Params, cells: Tensor
    ) -> ChunkState:
        """Freshly drawn members on the device of `cells`."""
        weights = packing.pack(params).to(cells.device)
        return cls(
            weights=weights,
            first_moment=torch.zeros_like(weights),
            second_moment=torch.zeros_like(weights),
            step=torch.zeros((), device=cells.device),
            constants={name: leaf.to(cells.device) for name, leaf in constants.items()},
            cells=cells,
        )

    @property
    def members(self) -> int:
        """How many members the chunk has."""
        return len(self.cells)

    def copy(self) -> ChunkState:
        """The same state in memory of its own."""
        return replace(
            self,
            weights=self.weights.clone(),
            first_moment=self.first_moment.clone(),
            second_moment=self.second_moment.clone(),
            step=self.step.clone(),
        )

    def update_(self, gradient: Float[Tensor, " flat"], settings: AdamSettings) -> None:
        """Make one step of Adam, in one fused pass over the flat buffers."""
        adam(
            [self.weights],
            [gradient],
            [self.first_moment],
            [self.second_moment],
            [],
            [self.step],
            fused=True,
            amsgrad=False,
            beta1=settings.betas[0],
            beta2=settings.betas[1],
            lr=settings.learning_rate,
            weight_decay=0.0,
            eps=settings.epsilon,
            maximize=False,
        )


@dataclass(frozen=True, eq=False)
class BlockData:
    """The cells of one shape on the device: what their members fit.

    Attributes:
        coordinates: of a cell's samples, the same for all cells of one shape.
        targets: the values of each cell.
    """

    coordinates: Float[Tensor, "points in"]
    targets: Float[Tensor, "cells points out"]


class Kernel(ABC):
    """Trains chunks of members of one shape on the cells of one block."""

    @abstractmethod
    def run(self, chunk: ChunkState, steps: int) -> Float[Tensor, "steps members"]:
        """Train in place; return each member's mean squared error before each step's update."""
