"""Limits of the cost, and the objectives that cost and quality can be."""

from __future__ import annotations

import math
import re
from typing import ClassVar, Literal

from pydantic import Field

from enas_inr.errors import SpecError
from enas_inr.spec.architecture import Cost
from enas_inr.validation import Frozen, Lasting, format_quantity, parse_quantity

__all__ = ["MAXIMISED", "PAPER_MAX_FLOPS", "Budget", "Limit", "Precision"]

Precision = Literal["float32", "float16", "int8"]
"""How the numbers of a model are stored."""

_DURATION = re.compile(r"(.*\d)\s*(us|ms|s|m|min|h)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


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

    @classmethod
    def of_bits(cls, text: str) -> Limit:
        """Read bits for each sample, such as `2.5`, as a limit of bytes.

        Raises:
            SpecError: the text is not a quantity.
        """
        return cls(value=parse_quantity(text) / 8, per_sample=True)

    @classmethod
    def of_seconds(cls, text: str) -> Limit:
        """Read a duration: `50ms`, `2s`, or a number of seconds.

        Raises:
            SpecError: the text is not a duration.
        """
        return cls(value=parse_seconds(text))

    def total(self, samples: int) -> float:
        """Return the limit for a signal with that many samples."""
        return self.value * samples if self.per_sample else self.value

    def whole(self, samples: int) -> int:
        """Return the limit as a number of bytes, FLOPs or parameters."""
        return math.floor(self.total(samples))

    def __str__(self) -> str:
        return format_quantity(self.value) + ("/sample" if self.per_sample else "")


def parse_seconds(text: str) -> float:
    """Read `50ms`, `2s`, `10min`, `10m` or `1h` as seconds.

    Raises:
        SpecError: the text is not a duration.
    """
    match = _DURATION.fullmatch(text.strip())
    try:
        return parse_quantity(match[1]) * _SECONDS[match[2]] if match else parse_quantity(text)
    except SpecError:
        raise SpecError(f"{text!r} is not a duration", "write it like 50ms, 2s or 10min") from None


PAPER_MAX_FLOPS = Limit(value=61_035, per_sample=True)
"""The paper's F_max, 1 GFLOP for 128x128 pixels, as a limit per sample for signals of any size."""


class Budget(Lasting):
    """Hard limits. An architecture that exceeds one of them is never trained.

    Attributes:
        flops: of one evaluation of the signal.
        parameters: their number.
        bytes: size of the model file.
        latency: seconds to render the signal on the device of the search.
        memory: bytes that rendering the signal takes.
        precision: how the numbers of the file are stored.
    """

    later: ClassVar[tuple[str, ...]] = ("latency", "memory", "precision")

    flops: Limit | None = PAPER_MAX_FLOPS
    parameters: Limit | None = None
    bytes: Limit | None = None
    latency: Limit | None = None
    memory: Limit | None = None
    precision: Precision = "float32"

    def limits(self, samples: int) -> dict[str, float]:
        """Return the limits that are set, by name, for a signal with that many samples."""
        named = {name: limit.total(samples) for name in COSTS if (limit := getattr(self, name))}
        return {n: value if n == "latency" else math.floor(value) for n, value in named.items()}


COSTS = {
    "flops": "flops",
    "parameters": "parameters",
    "bytes": "file_bytes",
    "memory": "memory",
    "latency": "latency",
}
"""The fields of a Cost that are limited, by the names of the limits, the quickest to know first."""

MEASURED = ("bytes", "memory", "latency")
"""Limits on what is not known from the architecture alone."""


def amount(cost: Cost, name: str) -> float:
    """Return what a cost is in the unit of a limit."""
    value: float = getattr(cost, COSTS[name])
    return value or (cost.bytes if name == "bytes" else 0)


def text_of(name: str, value: float) -> str:
    """Return an amount for people: `1.00G flops`, `50 ms latency`."""
    if name == "latency":
        return f"{value * 1000:.3g} ms latency" if value < 1 else f"{value:.3g} s latency"
    unit = " bytes of memory" if name == "memory" else f" {name}"
    return format_quantity(value) + unit


MAXIMISED = {"psnr": True, "score": True, "flops": False, "parameters": False, "bytes": False}
"""The possible objectives of a study, and whether larger values are better."""
