"""Convert between the numbers of a file, which can have any type, and values in [-1, 1]."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from pydantic import JsonValue
from torch import Tensor

from enas_inr.errors import SignalError
from enas_inr.validation import counted

__all__ = ["DTYPES", "Levels", "Numbers"]

Numbers = npt.NDArray[Any]
"""Numbers of any type in `DTYPES`, `*grid channels`."""

DTYPES = (
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    "float16", "float32", "float64",
)  # fmt: skip
"""The names of the types that numbers can have."""

_AT_ONCE = 2**20  # numbers, so that a large signal needs no second copy in double precision
_BY_TYPE = ("uint8", "uint16")
_SIGNIFICANT = 2**24  # whole numbers that a float32 can tell apart


@dataclass(frozen=True)
class Levels:
    """A type of numbers, and the meaning of -1 and 1.

    Attributes:
        dtype: name of the type in NumPy.
        low: the number that becomes -1.
        high: the number that becomes 1; equal to `low` if all numbers are equal.
    """

    dtype: str = "uint8"
    low: float = 0.0
    high: float = 255.0

    @classmethod
    def of_type(cls, dtype: str) -> Levels:
        """Return the levels from 0 to the largest number of a type; 0 and 1 of floats and `bool`.

        Integers with a sign are positive here, as in an alpha channel.
        """
        return cls(dtype, 0.0, _largest(dtype) if np.dtype(dtype).kind in "iu" else 1.0)

    @classmethod
    def of(cls, colours: Numbers, what: str) -> Levels:
        """Return the levels of the colours of a picture.

        Unsigned integers of 8 and 16 bits have the range of their type. Others, which seldom fill
        it, have the range of the data.

        Args:
            colours: at least one number, without alpha.
            what: name of the picture in messages.

        Raises:
            SignalError: there are NaN or infinite numbers.
        """
        if colours.dtype.name in _BY_TYPE:
            return cls.of_type(colours.dtype.name)
        check_finite(colours, what)
        return cls(colours.dtype.name, float(colours.min()), float(colours.max()))

    @classmethod
    def from_meta(cls, meta: Mapping[str, JsonValue]) -> Levels:
        """Return the levels that `to_meta` stored; 8 bits if there are none or wrong ones."""
        if meta.get("mode") == "I;16":
            return cls.of_type("uint16")
        dtype, limits = meta.get("dtype"), meta.get("range")
        if not isinstance(dtype, str) or dtype not in DTYPES:
            return cls()
        if not (
            isinstance(limits, list)
            and len(limits) == 2
            and all(isinstance(n, int | float) and math.isfinite(n) for n in limits)
        ):
            return cls.of_type(dtype)
        low, high = (float(str(limit)) for limit in limits)
        return cls(dtype, low, high)

    def to_meta(self) -> dict[str, JsonValue]:
        """Return the levels as JSON values; empty for 8 bits."""
        if self == Levels():
            return {}
        if self == Levels.of_type(self.dtype):
            return {"dtype": self.dtype}
        return self.to_whole_meta()

    def to_whole_meta(self) -> dict[str, JsonValue]:
        """Return the levels as JSON values, even if they are usual ones."""
        return {"dtype": self.dtype, "range": [self.low, self.high]}

    @property
    def is_float(self) -> bool:
        """Whether the numbers are floats."""
        return np.dtype(self.dtype).kind == "f"

    @property
    def is_8_bit(self) -> bool:
        """Whether the numbers are the levels from 0 to 255."""
        return self == Levels()

    @property
    def is_exact(self) -> bool:
        """Whether float32 values tell all numbers apart, as far as is known from type and range."""
        if self.is_float:
            return self.dtype != "float64"
        return self.high - self.low < _SIGNIFICANT

    @property
    def words(self) -> str:
        """The type for people, such as `16 bits` or `float32`."""
        bits = 8 * np.dtype(self.dtype).itemsize
        signed = " with a sign" if self.dtype.startswith("int") else ""
        return self.dtype if self.is_float else f"{bits} bits{signed}"

    @property
    def _middle(self) -> float:
        return self.low / 2 + self.high / 2

    @property
    def _half(self) -> float:
        return self.high / 2 - self.low / 2

    def values(self, numbers: npt.NDArray[Any], *, double: bool = False) -> Float[Tensor, "*shape"]:
        """Scale numbers to [-1, 1]; if all are equal, the values are 0.

        Args:
            numbers: of this type; a memory map is not loaded as a whole.
            double: scale all types in double precision. Without it, the whole range of 8 and 16
                bits is scaled in single precision, as in the paper's code; the last bits differ.
        """
        if self._is_single and not double:
            half = self.high / 2
            return torch.from_numpy(numbers.astype(np.float32)).div_(half).sub_(1)
        values = np.empty(numbers.shape, dtype=np.float32)
        for part in _parts(numbers.shape):
            scaled = numbers[part].astype(np.float64) - self._middle
            values[part] = scaled / (self._half or 1.0)
        return torch.from_numpy(values)

    def numbers(self, values: Float[Tensor, "*shape"], *, double: bool = False) -> npt.NDArray[Any]:
        """Scale values back, clamped to [-1, 1]; integers are rounded to the nearest.

        Args:
            values: on any device.
            double: as for `values`.
        """
        dtype, single = np.dtype(self.dtype), self._is_single and not double
        numbers = np.empty(tuple(values.shape), dtype=dtype)
        for part in _parts(numbers.shape):
            found = values[part].detach().cpu().float().clamp(-1, 1)
            if single:
                numbers[part] = found.add(1).mul(self.high / 2).round().numpy()
                continue
            scaled = self._middle + self._half * found.double().numpy()
            if dtype.kind != "f":
                scaled = np.rint(scaled)
            if dtype.kind in "iu":
                scaled = scaled.clip(float(np.iinfo(dtype).min), _largest(self.dtype))
            numbers[part] = scaled
        return numbers

    @property
    def _is_single(self) -> bool:
        return self.dtype in _BY_TYPE and self == Levels.of_type(self.dtype)


def _largest(dtype: str) -> float:
    """Return the largest number of an integer type that is one of double precision as well."""
    largest = int(np.iinfo(dtype).max)
    return float(largest) if float(largest) <= largest else math.nextafter(float(largest), 0)


def _parts(shape: tuple[int, ...]) -> Iterator[slice]:
    """Cut the first axis into parts of few numbers."""
    step = max(1, _AT_ONCE // max(math.prod(shape[1:]), 1))
    return (slice(start, start + step) for start in range(0, shape[0], step))


def check_finite(numbers: npt.NDArray[Any], what: str) -> None:
    """Refuse NaN and infinity.

    Raises:
        SignalError: the message names their number.
    """
    if numbers.dtype.kind != "f":
        return
    bad = sum(int(np.count_nonzero(~np.isfinite(part))) for part in numbers)
    if bad:
        raise SignalError(
            f"{what}: {counted(bad, 'NaN or infinite value')} among {numbers.size}",
            "repair the file first",
        )
