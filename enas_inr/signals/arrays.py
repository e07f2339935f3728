"""Signals that are given as arrays, tensors or pictures in memory instead of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from enas_inr.errors import SignalError
from enas_inr.signals.levels import Levels, check_finite
from enas_inr.signals.pictures.image import picture
from enas_inr.signals.pictures.pillow_reading import numbers_of
from enas_inr.signals.pictures.raster import Raster, check_pixels
from enas_inr.signals.signal import Signal
from enas_inr.validation import nearest

if TYPE_CHECKING:
    from typing import TypeAlias

    Array: TypeAlias = npt.NDArray[Any] | Tensor | Image.Image

_TYPES = "uint8 from 0 to 255, uint16 from 0 to 65535, bool, or floats from 0 to 1"
_HINT = "give range=(low, high): the numbers that become -1 and 1"
_CHANNELS = (1, 3, 4)
_DTYPES = (
    "uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64",
)  # fmt: skip

Range = tuple[float, float]
"""The numbers that become -1 and 1."""


def is_array(given: object) -> bool:
    """Whether something is one of the types that `signal_of` takes."""
    return isinstance(given, (np.ndarray, Tensor, Image.Image))


def signal_of(
    given: Array,
    name: str = "array",
    *,
    sample_rate: int | None = None,
    limits: Range | None = None,
    modality: str | None = None,
) -> Signal:
    """Return an array as a signal.

    A picture has rows, columns, and possibly 1, 3 or 4 channels; a tensor may have its channels
    first, as in torchvision. With a sample rate it is a sound: frames, and possibly channels. With
    another modality, such as `volume`, an array of four axes has channels as its last one.

    Args:
        given: an array of NumPy, a tensor, or a picture of Pillow.
        name: name of the signal.
        sample_rate: frames per second of a sound.
        limits: the numbers that become -1 and 1. Without them: 0 and the largest number of uint8
            and uint16, and 0 and 1 of floats, for a picture; -1 and 1 of floats, and the limits of
            an integer type, for a sound; else the smallest and the largest of its numbers.
        modality: `image`, `audio`, or that of a plugin.

    Raises:
        SignalError: the array has another shape or type, or numbers beyond these limits.
    """
    if isinstance(given, Image.Image):
        numbers = numbers_of(given)
        what = f"a picture of mode {given.mode}"
    else:
        numbers = given if isinstance(given, np.ndarray) else _of_tensor(given)
        what = f"an array of shape {numbers.shape} and type {numbers.dtype}"
    if numbers.dtype == np.bool_:
        numbers = numbers.astype(np.uint8) * np.uint8(255)
    numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    kind = modality or ("image" if sample_rate is None else "audio")
    if kind == "image":
        return _picture(_channels_last(given, numbers), limits, name, what)
    axes = 1 if kind == "audio" else min(numbers.ndim, 3)
    if numbers.ndim not in (axes, axes + 1) or (kind == "audio" and sample_rate is None):
        raise SignalError(
            f"{what} is not {kind}",
            "give frames, possibly channels, and sample_rate"
            if kind == "audio"
            else "give three axes, and possibly channels as the fourth",
        )
    numbers = numbers if numbers.ndim > axes else numbers[..., None]
    levels = _levels(numbers, limits, what, kind)
    values = levels.values(numbers)
    return Signal(values, kind, name, sample_rate, levels.to_whole_meta())


def _picture(numbers: npt.NDArray[Any], limits: Range | None, name: str, what: str) -> Signal:
    numbers = numbers[..., None] if numbers.ndim == 2 else numbers
    if numbers.ndim != 3 or numbers.shape[-1] not in _CHANNELS:
        raise SignalError(
            f"{what} is not a picture",
            "give rows and columns, and possibly 1, 3 or 4 channels as the last axis; for a sound "
            "give sample_rate, for a volume modality='volume'",
        )
    check_pixels((numbers.shape[1], numbers.shape[0]), what)
    usual = ("uint8", "uint16", "float16", "float32", "float64")
    if limits is None and numbers.dtype.name not in usual:
        raise SignalError(f"{what} has numbers of no known range", f"give {_TYPES}, or range")
    check_finite(numbers, what)
    levels = _levels(numbers[..., :3], limits, what, "image")
    return picture(Raster(numbers), levels, name, what)


def _levels(numbers: npt.NDArray[Any], limits: Range | None, what: str, kind: str) -> Levels:
    """Return the levels of numbers.

    Raises:
        SignalError: the type has no levels, or there are numbers beyond them.
    """
    dtype = numbers.dtype.name
    if dtype not in _DTYPES:
        raise SignalError(f"{what} has numbers of no known range", nearest(dtype, _DTYPES))
    if not numbers.size:
        raise SignalError(f"{what} is empty", "give at least one sample")
    check_finite(numbers, what)
    if limits is not None:
        low, high = limits
        if not low < high:
            raise SignalError(f"range ({low:g}, {high:g}) is empty", "give the lower number first")
        levels = Levels(dtype, float(low), float(high))
    elif kind == "image" or (kind == "audio" and numbers.dtype.kind == "u"):
        levels = Levels.of_type(dtype)
    elif kind == "audio":
        most = 1.0 if numbers.dtype.kind == "f" else -float(np.iinfo(dtype).min)
        levels = Levels(dtype, -most, most)
    else:
        levels = Levels(dtype, float(numbers.min()), float(numbers.max()))
    least, most = float(numbers.min()), float(numbers.max())
    if not levels.low <= least <= most <= levels.high:
        raise SignalError(
            f"{what} has numbers from {least:g} to {most:g}, not {levels.low:g} to {levels.high:g}",
            _HINT,
        )
    return levels


def _of_tensor(given: Tensor) -> npt.NDArray[Any]:
    values = given.detach().cpu()
    if values.dtype.is_floating_point and values.element_size() == 2:
        values = values.float()  # NumPy has no bfloat16
    array: npt.NDArray[Any] = values.numpy()
    return array


def _channels_last(given: Array, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a picture with its channels last; those of a tensor may be first."""
    first = isinstance(given, Tensor) and numbers.ndim == 3 and numbers.shape[0] in _CHANNELS
    if first and numbers.shape[-1] not in _CHANNELS:
        return np.moveaxis(numbers, 0, -1)
    return numbers
