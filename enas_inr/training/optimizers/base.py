"""The contract of an optimizer, which updates the trained numbers of many members at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

__all__ = ["DeviceStep", "Numbers", "Optimizer", "Recordable", "Step"]


@dataclass(frozen=True, eq=False)
class Numbers:
    """The trained numbers of all members of a chunk, or their gradient.

    Attributes:
        flat: all numbers in one contiguous buffer.
        matrices: the hidden weight matrices as views of the buffer. All other numbers (biases,
            first and last layers, complex weights) are in the buffer alone.
        members: the number of members.
    """

    flat: Float[Tensor, " flat"]
    matrices: tuple[Float[Tensor, "members width width"], ...]
    members: int


@dataclass(frozen=True)
class Step:
    """One step of a training.

    Attributes:
        number: number of the step, from 1.
        rate: learning rate; the kernel receives the factor of the schedule, the optimizer the
            factor times the learning rate of the job.
    """

    number: int
    rate: float


@dataclass(frozen=True, eq=False)
class DeviceStep:
    """A step whose numbers are on the device: those of the next step take their place there.

    Attributes:
        number: number of the step, from 1, as a float32.
        rate: learning rate, as that of `Step` for the optimizer.
    """

    number: Float[Tensor, ""]
    rate: Float[Tensor, ""]


class Optimizer(ABC):
    """A rule by which the gradient changes the numbers of the members.

    It is constructed with the training settings and, if it has any, its options, and holds no
    state. It must treat each member as if that were trained alone.

    Attributes:
        rate_factor: learning rate that fits this optimizer, as a multiple of that of Adam.
    """

    rate_factor: ClassVar[float] = 1.0

    @abstractmethod
    def start(self, weights: Numbers) -> dict[str, Tensor]:
        """Return the state of members that have not been trained, by name.

        Each tensor has either the shape of `weights.flat`, or the members as its first axis. The
        state of a member must not depend on the other members.
        """

    @abstractmethod
    def update_(
        self, weights: Numbers, gradient: Numbers, state: Mapping[str, Tensor], step: Step
    ) -> None:
        """Update the weights and the state in place; the gradient may be overwritten."""


class Recordable(Optimizer):
    """An optimizer whose update can be recorded on a GPU once, and replayed for each step.

    An optimizer that is not recordable is trained step by step, with the same result.
    """

    @abstractmethod
    def record_(
        self,
        weights: Numbers,
        gradient: Numbers,
        state: Mapping[str, Tensor],
        step: DeviceStep,
    ) -> None:
        """Make the same update as `update_`.

        It must call the same operations for every step, and must not read a tensor, not even the
        number of the step.
        """
