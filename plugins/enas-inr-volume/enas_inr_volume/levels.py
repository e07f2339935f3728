"""Convert between the numbers of a file, which can have any type, and values in [-1, 1]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from pydantic import JsonValue
from torch import Tensor

from enas_inr.errors import SignalError, warn_once
from enas_inr_volume.options import Scale

Numbers = npt.NDArray[Any]

DTYPES = (
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    "float16", "float32", "float64",
)  # fmt: skip
_SINGLE = 2**24  # numbers from -1 to 1 that float32 tells apart
_EXACT = 2**53  # float64, which is used for scaling, represents all integers up to here


@dataclass(frozen=True)
class Levels:
    """A type of numbers, and the meaning of -1 and 1.

    Attributes:
        dtype: name of the type in NumPy.
        low: the number that becomes -1.
        high: the number that becomes 1; equal to `low` if all numbers are equal.
    """

    dtype: str = "float32"
    low: float = -1.0
    high: float = 1.0

    @classmethod
    def of(cls, numbers: Numbers, scale: Scale, what: str) -> Levels:
        """Return the levels for the numbers of a file.

        Args:
            numbers: at least one number of any type.
            scale: see `VolumeOptions`.
            what: name of the file in error messages.

        Raises:
            SignalError: the type cannot be scaled, or there are NaN or integers beyond 2^53.
        """
        dtype = numbers.dtype
        if dtype.name not in DTYPES:
            raise SignalError(
                f"{what} holds numbers of type {dtype}", f"use one of: {', '.join(DTYPES)}"
            )
        if dtype.kind == "b":
            return cls(dtype.name, 0.0, 1.0)
        if dtype.kind in "iu" and (scale == "type" or (scale == "auto" and dtype.itemsize == 1)):
            if dtype.itemsize == 8:
                raise SignalError(
                    f"{what}: 64-bit integers cannot be scaled by their type", "use scale=data"
                )
            limits = np.iinfo(dtype)
            return cls(dtype.name, float(limits.min), float(limits.max))
        if dtype.kind == "f":
            _check_finite(numbers, what)
        low, high = numbers.min(), numbers.max()
        if dtype.kind in "iu" and max(-int(low), int(high)) > _EXACT:
            raise SignalError(
                f"{what} holds integers from {low} to {high}, beyond 2^53", "scale them first"
            )
        if dtype.itemsize > 4 or (dtype.kind in "iu" and int(high) - int(low) > _SINGLE):
            warn_once(f"{what}: the numbers of {dtype.name} are rounded to 24 bits of their range")
        return cls(dtype.name, float(low), float(high))

    @classmethod
    def from_meta(cls, meta: Mapping[str, JsonValue]) -> Levels:
        """Return the levels that `to_meta` stored, or by default float32 from -1 to 1."""
        dtype, limits = meta.get("dtype"), meta.get("range")
        if not isinstance(dtype, str) or dtype not in DTYPES or not isinstance(limits, list):
            return cls()
        low, high = (float(str(limit)) for limit in limits)
        return cls(dtype, low, high)

    def to_meta(self) -> dict[str, JsonValue]:
        """Return the levels as JSON values."""
        return {"dtype": self.dtype, "range": [self.low, self.high]}

    @property
    def _middle(self) -> float:
        return self.low / 2 + self.high / 2

    @property
    def _half(self) -> float:
        return self.high / 2 - self.low / 2

    def values(self, numbers: Numbers) -> Float[Tensor, "*shape"]:
        """Scale numbers to [-1, 1]; if all are equal, the values are 0."""
        values = np.empty(numbers.shape, dtype=np.float32)
        for index, part in enumerate(numbers):  # so that a memory map is never loaded as a whole
            values[index] = (part.astype(np.float64) - self._middle) / (self._half or 1.0)
        return torch.from_numpy(values)

    def numbers(self, values: Float[Tensor, "*shape"]) -> Numbers:
        """Scale values back, clamped to [-1, 1]; integers are rounded to the nearest."""
        dtype = np.dtype(self.dtype)
        numbers = np.empty(tuple(values.shape), dtype=dtype)
        for index, part in enumerate(values.detach().cpu()):
            scaled = self._middle + self._half * part.double().clamp(-1, 1).numpy()
            numbers[index] = scaled if dtype.kind == "f" else np.rint(scaled)
        return numbers


def _check_finite(numbers: Numbers, what: str) -> None:
    bad = [int(np.count_nonzero(~np.isfinite(part))) for part in numbers]
    if any(bad):
        number = next(index for index, count in enumerate(bad) if count)
        place = number, *np.argwhere(~np.isfinite(numbers[number]))[0].tolist()
        raise SignalError(
            f"{what} holds NaN or infinity ({sum(bad)} of {numbers.size} values), the first at "
            f"{list(place)}, counted from 0",
            "repair the file first",
        )
