"""The meaning of -1 and 1 for the numbers of a volume."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import JsonValue

from enas_inr.errors import SignalError, warn_once
from enas_inr.signals.levels import DTYPES, Levels, Numbers
from enas_inr_volume.options import Scale

_SINGLE = 2**24  # numbers from -1 to 1 that float32 tells apart
_EXACT = 2**53  # float64, which is used for scaling, represents all integers up to here
_UNKNOWN = Levels("float32", -1.0, 1.0)


def levels_of(numbers: Numbers, scale: Scale, what: str) -> Levels:
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
        return Levels.of_type(dtype.name)
    if dtype.kind in "iu" and (scale == "type" or (scale == "auto" and dtype.itemsize == 1)):
        if dtype.itemsize == 8:
            raise SignalError(
                f"{what}: 64-bit integers cannot be scaled by their type", "use scale=data"
            )
        limits = np.iinfo(dtype)
        return Levels(dtype.name, float(limits.min), float(limits.max))
    if dtype.kind == "f":
        _check_finite(numbers, what)
    low, high = numbers.min(), numbers.max()
    if dtype.kind in "iu" and max(-int(low), int(high)) > _EXACT:
        raise SignalError(
            f"{what} holds integers from {low} to {high}, beyond 2^53", "scale them first"
        )
    if dtype.itemsize > 4 or (dtype.kind in "iu" and int(high) - int(low) > _SINGLE):
        warn_once(f"{what}: the numbers of {dtype.name} are rounded to 24 bits of their range")
    return Levels(dtype.name, float(low), float(high))


def levels_from(meta: Mapping[str, JsonValue]) -> Levels:
    """Return the levels that a volume has kept, or float32 from -1 to 1 if it has none."""
    known = meta.get("dtype") in DTYPES and isinstance(meta.get("range"), list)
    return Levels.from_meta(meta) if known else _UNKNOWN


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
