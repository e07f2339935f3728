"""Limits of the cost, and the objectives that cost and quality can be."""

from __future__ import annotations

import math

from pydantic import Field

from enas_inr.errors import SpecError
from enas_inr.validation import Frozen, format_quantity, parse_quantity

__all__ = ["MAXIMISED", "PAPER_MAX_FLOPS", "Budget", "Limit"]


class Limit(Frozen):
    """An upper limit, absolute or per sample of the signal, such as `1G` or `61035/sample`."""

    value: float = Field(gt=0)
    per_sample: bool = False

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read a limit from text.

        Raises:
            SpecError: the text is neither a quantity nor a quantity per sample.
        """
        amount, slash, unit = text.partition("/")
        if slash and unit.strip() != "sample":
            raise SpecError(f"{text!r} is not a limit", "write it like 500M, 1G or 60k/sample")
        return cls(value=parse_quantity(amount), per_sample=bool(slash))

    def total(self, samples: int) -> int:
        """Return the limit for a signal with that many samples."""
        return math.floor(self.value * samples if self.per_sample else self.value)

    def __str__(self) -> str:
        return format_quantity(self.value) + ("/sample" if self.per_sample else "")


PAPER_MAX_FLOPS = Limit(value=61_035, per_sample=True)
"""The paper's F_max, 1 GFLOP for 128x128 pixels, as a limit per sample for signals of any size."""


class Budget(Frozen):
    """Hard limits. An architecture that exceeds one of them is never trained."""

    flops: Limit | None = PAPER_MAX_FLOPS
    parameters: Limit | None = None
    bytes: Limit | None = None

    def limits(self, samples: int) -> dict[str, int]:
        """Return the limits that are set, by name, for a signal with that many samples."""
        named = {"flops": self.flops, "parameters": self.parameters, "bytes": self.bytes}
        return {name: limit.total(samples) for name, limit in named.items() if limit}


MAXIMISED = {"psnr": True, "score": True, "flops": False, "parameters": False, "bytes": False}
"""The possible objectives of a study, and whether larger values are better."""
