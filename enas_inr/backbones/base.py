"""The contract of a backbone, which evaluates many sub-networks of one shape as a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.stages import Stage
from enas_inr.cost import NetCost, NetShape

__all__ = ["Backbone", "Params"]

Params = Mapping[str, Tensor]
"""The numbers of all members by name. The first axis of every leaf counts the members."""


class Backbone(ABC):
    """A kind of sub-network. Constructed with its options, if it has any; it holds no state.

    Attributes:
        constants: names of the leaves that are stored but not trained.
    """

    constants: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def init(self, shape: NetShape, seeds: Sequence[int]) -> Params:
        """Draw one member for each seed, on the CPU in float32.

        A seed always gives the same member, whatever the other seeds are.
        """

    @abstractmethod
    def forward(
        self, shape: NetShape, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points out"]:
        """Evaluate each member at its own points. The result is differentiable."""

    def learning_rate(self, shape: NetShape, points: int, steps: int) -> float | None:
        """Return the learning rate that fits an architecture, found by measurement.

        It is a rate of Adam at which trainings of that shape reliably converge, and about the best
        one, with the recipe of the profile `tuned` (see docs/recipes.md).

        Args:
            shape: shape of each member.
            points: samples of a cell.
            steps: steps of the training.

        Returns:
            The rate; None for the default rate of the backbone, whatever its shape.
        """
        return None

    def stages(self, shape: NetShape, constants: Params) -> tuple[Stage, ...] | None:
        """Return stages that do the same as `forward`, for browsers (`enas-inr view`), or None.

        Args:
            shape: shape of each member.
            constants: the leaves that are not trained, of all members.
        """
        return None

    @abstractmethod
    def cost(self, shape: NetShape) -> NetCost:
        """Return the cost of one member, in the paper's convention (see `enas_inr.cost`)."""
