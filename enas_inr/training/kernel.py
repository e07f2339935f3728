"""The contract of a training kernel, which trains a chunk of members for some steps.

A kernel owns the scratch memory of a step and is used for one chunk after the other, so that the
scratch memory stays in the cache. State that persists between two runs is in ChunkState.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.adam import adam

from enas_inr.backbones.base import Params
from enas_inr.training import loops
from enas_inr.training.packing import Packing


@dataclass(frozen=True)
class AdamSettings:
    """The hyperparameters of Adam (Kingma and Ba, ICLR 2015)."""

    learning_rate: float
    betas: tuple[float, float]
    epsilon: float


@dataclass(eq=False)
class ChunkState:
    """The state of some members between two runs. A kernel updates it in place.

    Attributes:
        weights: trained numbers as a flat buffer in the packing of the kernel.
        first_moment: first moment of Adam, in the same packing.
        second_moment: second moment of Adam, in the same packing.
        step: number of updates so far, a scalar tensor.
        constants: leaves `members ...` that are not trained.
        cells: for each member, the row of its cell in the targets of the block.
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
        """Return the state of newly initialised members on the device of `cells`."""
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
        """The number of members in the chunk."""
        return len(self.cells)

    def copy(self) -> ChunkState:
        """Return a copy that shares no trained numbers with this state."""
        return replace(
            self,
            weights=self.weights.clone(),
            first_moment=self.first_moment.clone(),
            second_moment=self.second_moment.clone(),
            step=self.step.clone(),
        )

    def update_(self, gradient: Float[Tensor, " flat"], settings: AdamSettings) -> None:
        """Take one step of Adam, in one fused pass over the flat buffers."""
        if self.weights.is_cpu and loops.available():
            self.step += 1
            loops.adam_(
                self.weights.numpy(),
                gradient.numpy(),
                self.first_moment.numpy(),
                self.second_moment.numpy(),
                settings.learning_rate,
                *settings.betas,
                settings.epsilon,
                int(self.step),
            )
            return
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
    """The cells of one shape on the device, to which their members are fitted.

    Attributes:
        coordinates: coordinates of the samples, which all cells of one shape share.
        targets: values of each cell.
    """

    coordinates: Float[Tensor, "points in"]
    targets: Float[Tensor, "cells points out"]


class Kernel(ABC):
    """Trains chunks of members of one shape on the cells of one block."""

    @abstractmethod
    def run(self, chunk: ChunkState, steps: int) -> Float[Tensor, "steps members"]:
        """Train in place, and return the mean squared error of each member before each update."""
