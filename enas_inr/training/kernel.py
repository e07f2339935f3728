"""The contract of a training kernel, which trains a chunk of members for some steps.

A kernel owns the scratch memory of a step and is used for one chunk after the other, so that the
scratch memory stays in the cache. State that persists between two runs is in ChunkState.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.training.optimizers.base import Numbers, Optimizer, Step
from enas_inr.training.packing import Packing


@dataclass(frozen=True)
class UpdateRule:
    """How the gradient changes the numbers of a batch.

    Attributes:
        optimizer: updates the numbers.
        learning_rate: learning rate before the factor of the schedule.
    """

    optimizer: Optimizer
    learning_rate: float

    def update_(self, weights: Numbers, gradient: Numbers, chunk: ChunkState, step: Step) -> None:
        """Make one update of a chunk in place."""
        self.optimizer.update_(weights, gradient, chunk.state, self.scaled(step))

    def scaled(self, step: Step) -> Step:
        """Return a step with the learning rate in place of the factor of the schedule."""
        return replace(step, rate=self.learning_rate * step.rate)


@dataclass(eq=False)
class ChunkState:
    """The state of some members between two runs. A kernel updates it in place.

    Attributes:
        weights: trained numbers as a flat buffer in the packing of the kernel.
        state: state of the optimizer by name (see `Optimizer.start`).
        constants: leaves `members ...` that are not trained.
        cells: for each member, the row of its cell in the targets of the block.
    """

    weights: Float[Tensor, " flat"]
    state: dict[str, Tensor]
    constants: Params
    cells: Tensor

    @classmethod
    def start(
        cls,
        packing: Packing,
        params: Params,
        constants: Params,
        cells: Tensor,
        optimizer: Optimizer,
    ) -> ChunkState:
        """Return the state of newly initialised members on the device of `cells`."""
        weights = packing.pack(params).to(cells.device)
        return cls(
            weights=weights,
            state=dict(optimizer.start(packing.view(weights))),
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
            state={name: value.clone() for name, value in self.state.items()},
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
    def run(self, chunk: ChunkState, steps: Sequence[Step]) -> Float[Tensor, "steps members"]:
        """Train in place, and return the mean squared error of each member before each update.

        Args:
            chunk: the members to train.
            steps: the steps to make, each with the factor of the schedule as its rate.
        """
