"""A signal that is made part by part, so that it need not fit in the memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from pydantic import JsonValue
from torch import Tensor

from enas_inr.signals.memory import check_memory
from enas_inr.signals.signal import Signal, check_values

SMALLER = "choose a smaller size, or render parts with --crop, --start and --end"


@dataclass(frozen=True, eq=False)
class SignalParts:
    """A signal whose values are made when they are needed, in the order of its first axis.

    Attributes:
        shape: samples along each axis, and channels.
        make: makes the parts: values as in a `Signal`, of some positions of the first axis. Each
            call begins anew.
        modality: as in `Signal`, like all that follow.
    """

    shape: tuple[int, ...]
    make: Callable[[], Iterator[Float[Tensor, "part *grid channels"]]]
    modality: str
    name: str
    sample_rate: int | None = None
    meta: Mapping[str, JsonValue] = field(default_factory=dict)
    window: tuple[tuple[float, float], ...] | None = None

    @property
    def bytes(self) -> int:
        """The size of all values together."""
        return 4 * math.prod(self.shape)

    @property
    def size(self) -> str:
        """Its size for people: `640x480`, the last axis first."""
        return "x".join(map(str, reversed(self.shape[:-1])))

    def of(self, values: Float[Tensor, "*grid channels"]) -> Signal:
        """Return a signal of other values with the same metadata."""
        return Signal(values, self.modality, self.name, self.sample_rate, self.meta, self.window)

    def split(self, most: int, what: str) -> Iterator[Float[Tensor, "part *grid channels"]]:
        """Make all parts, and divide larger ones.

        Args:
            most: positions of the first axis in a part.
            what: name of the signal in messages.

        Raises:
            SignalError: a part holds NaN or infinity.
        """
        for part in self.make():
            check_values(part, what)
            yield from part.split(most)  # type: ignore[no-untyped-call]

    def whole(self) -> Signal:
        """Make all parts.

        Raises:
            SignalError: they do not fit in the memory.
        """
        check_memory(self.bytes, f"a rendering of {self.size} samples", SMALLER)
        values = torch.empty(self.shape)
        start = 0
        for part in self.make():
            values[start : start + len(part)] = part
            start += len(part)
        return self.of(values)
