"""Pictures that are given as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from enas_inr.errors import SignalError
from enas_inr.signals.image import picture
from enas_inr.signals.levels import Levels, check_finite
from enas_inr.signals.raster import Raster, check_pixels
from enas_inr.signals.signal import Signal

_TYPES = "uint8 from 0 to 255, uint16 from 0 to 65535, bool, or floats from 0 to 1"
_HINT = "scale it, or give an enas_inr.signals.signal.Signal, whose values are from -1 to 1"


def signal_of(array: npt.NDArray[Any], name: str = "array") -> Signal:
    """Return an array as a picture.

    Args:
        array: rows, columns, and possibly 1, 3 or 4 channels: uint8, uint16, bool, or floats from 0
            to 1.
        name: name of the signal.

    Raises:
        SignalError: the array has another shape or type, or numbers beyond these ranges.
    """
    what = f"an array of shape {array.shape} and type {array.dtype}"
    numbers = array[..., None] if array.ndim == 2 else array
    if numbers.ndim != 3 or numbers.shape[-1] not in (1, 3, 4):
        raise SignalError(
            f"{what} is not a picture",
            "give rows and columns, and possibly 1, 3 or 4 channels as the last axis",
        )
    check_pixels((numbers.shape[1], numbers.shape[0]), what)
    if numbers.dtype == np.bool_:
        numbers = numbers.astype(np.uint8) * np.uint8(255)
    numbers = numbers.astype(numbers.dtype.newbyteorder("="))
    dtype = numbers.dtype.name
    if dtype not in ("uint8", "uint16", "float16", "float32", "float64"):
        raise SignalError(f"{what} has numbers of no known range", f"give {_TYPES}")
    if numbers.dtype.kind == "f":
        check_finite(numbers, what)
        low, high = float(numbers.min()), float(numbers.max())
        if not 0 <= low <= high <= 1:
            raise SignalError(f"{what} has numbers from {low:g} to {high:g}, not 0 to 1", _HINT)
    return picture(Raster(numbers), Levels.of_type(dtype), name, what)
