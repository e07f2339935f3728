"""Volumes of three or four axes, with or without channels, as arrays, images or slices."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from enas_inr.errors import SignalError, first_line, warn_once
from enas_inr.signals.files import check_is_file, replace_bytes
from enas_inr.signals.levels import Numbers
from enas_inr.signals.signal import Modality, Signal, check_values
from enas_inr_volume import npy
from enas_inr_volume.levels import levels_from, levels_of
from enas_inr_volume.options import VolumeOptions

MAX_NUMBERS = 2**28
"""Largest volume in numbers (1 GiB as float32); larger files are refused before they are read."""

NIFTI = (".nii.gz", ".nii")
TIFF = (".tif", ".tiff")
WRITTEN = (*NIFTI, ".npy", ".nrrd", *TIFF)
READ = (*WRITTEN, ".dcm", ".ima", ".zip")


class VolumeModality(Modality):
    """Volumes with values `[slices, rows, columns, channels]`, or one more axis before these.

    The axes of `.npy` files are the dimensions in their order; with `channels_last`, the last of
    four or five dimensions holds channels. The axes of NIfTI files are z, y, x, with time before
    them; the fifth dimension, or with `channels_last` the fourth, holds channels, as do colours.
    Those of NRRD files are the same; an axis whose kind is not that of space holds channels. A
    folder, a `.zip` or a `.dcm` file is a series of DICOM slices, and a `.tif` file has a slice a
    page.

    Numbers are scaled to [-1, 1] (see `VolumeOptions.scale`). `meta` keeps their type and the
    meaning of -1 and 1, so that they can be written as they were, and for NIfTI the position of the
    voxels.
    """

    def __init__(self, options: VolumeOptions = VolumeOptions()) -> None:
        self._options = options

    def read(self, path: Path) -> Signal:
        """Read a file of at most 2^28 numbers.

        Raises:
            SignalError: the file cannot be read, is damaged or too large, has another number of
                dimensions, or holds NaN or numbers that cannot be scaled.
        """
        what = repr(str(path))
        if path.is_dir():
            suffix = ""
        else:
            check_is_file(path)
            suffix = _suffix(path, READ, "read")
            if path.stat().st_size == 0:
                raise SignalError(f"{what} is empty (0 bytes)", "give a volume file")
        if suffix == ".npy":
            numbers, meta = self._npy(path)
        elif suffix in NIFTI:
            numbers, meta = self._nifti(path)
        elif suffix == ".nrrd":
            numbers, meta = self._nrrd(path)
        else:
            numbers, meta = self._slices(path, suffix)
        levels = levels_of(numbers, self._options.scale, what)
        name = path.name[: len(path.name) - len(suffix)]
        values = levels.values(numbers, double=True)
        return Signal(values, "volume", name, meta=levels.to_whole_meta() | meta)

    def _npy(self, path: Path) -> tuple[Numbers, dict[str, JsonValue]]:
        """Return the array with channels as its last axis, and the metadata to keep."""
        numbers = npy.load(path)
        _check_size(numbers.shape, repr(str(path)))
        last = self._options.channels_last and numbers.ndim in (4, 5)
        if numbers.ndim not in (3, 4) and not last:
            raise _not_a_volume(path, numbers.shape)
        return (numbers, {"channels_last": True}) if last else (numbers[..., None], {})

    def _nifti(self, path: Path) -> tuple[Numbers, dict[str, JsonValue]]:
        """Return the array with axes time, z, y, x, channels, and the metadata to keep."""
        from enas_inr_volume import nifti

        header = nifti.open_header(path)
        _check_size((*header.shape, header.colours or 1), repr(str(path)))
        count, last = len(header.shape), self._options.channels_last
        if count not in ((3, 4) if header.colours else (3, 4, 5)):
            raise _not_a_volume(path, header.shape)
        numbers = header.read()
        if header.notes:
            warn_once(f"{str(path)!r}: the header {'; it '.join(header.notes)}")
        if header.colours:
            return _reversed(numbers), header.meta | {"colours": header.colours}
        if count == 4 and last:
            return _reversed(numbers), header.meta | {"channels_last": True}
        if count < 5:
            return _reversed(numbers[..., None]), header.meta
        numbers = _reversed(numbers)
        return (numbers[0] if numbers.shape[0] == 1 else numbers), header.meta

    def _nrrd(self, path: Path) -> tuple[Numbers, dict[str, JsonValue]]:
        """Return the array with channels as its last axis, and the metadata to keep."""
        from enas_inr_volume import nrrd_file

        numbers, has_channels, meta = nrrd_file.load(path)
        _check_size(numbers.shape, repr(str(path)))
        last = has_channels or (self._options.channels_last and numbers.ndim in (4, 5))
        if numbers.ndim - last not in (3, 4):
            raise _not_a_volume(path, numbers.shape)
        if last:
            return _reversed(numbers), meta | {"channels_last": True}
        return _reversed(numbers[..., None]), meta

    def _slices(self, path: Path, suffix: str) -> tuple[Numbers, dict[str, JsonValue]]:
        """Return a series of DICOM slices, or the pages of a TIFF file."""
        meta: dict[str, JsonValue] = {}
        if suffix in TIFF:
            from enas_inr_volume import stack

            numbers = stack.load(path)
        else:
            from enas_inr_volume import dicom

            numbers, meta = dicom.load(path)
        _check_size(numbers.shape, repr(str(path)))
        return numbers[..., None], meta

    def write(self, signal: Signal, path: Path) -> None:
        """Write a volume, clamped to [-1, 1], with the type and the range of the original.

        A signal that was not read from a file is written as float32 from -1 to 1. Several channels
        are stored in the last dimension, which is the fifth in NIfTI.

        Raises:
            SignalError: the suffix is unknown, the signal is not a volume, or the file cannot be
                written.
        """
        what = repr(str(path))
        suffix = _suffix(path, WRITTEN, "write")
        if signal.values.ndim not in (4, 5):
            raise SignalError(
                f"{what}: a signal of shape {tuple(signal.values.shape)} is not a volume",
                "give three or four axes and channels",
            )
        check_values(signal.values, what)
        numbers = levels_from(signal.meta).numbers(signal.values, double=True)
        try:
            content = _content(numbers, signal, suffix)
        except SignalError:
            raise
        except Exception as error:  # nibabel raises various errors, for example on 40000 voxels
            raise SignalError(
                f"{what}: a volume of shape {tuple(signal.values.shape)} cannot be written:"
                f" {first_line(error)}",
                "use .npy",
            ) from None
        replace_bytes(path, content)


def _content(numbers: Numbers, signal: Signal, suffix: str) -> bytes:
    if suffix in NIFTI:
        return _as_nifti(numbers, signal, compressed=suffix == ".nii.gz")
    if suffix == ".npy":
        return npy.dump(_plain(numbers, signal))
    if suffix == ".nrrd":
        from enas_inr_volume import nrrd_file

        channels = _has_channels(signal)
        turned = _reversed(_scaled(numbers, signal))
        return nrrd_file.dump(turned if channels else turned[..., 0], signal, channels=channels)
    from enas_inr_volume import stack

    plain = _plain(numbers, signal)
    if plain.ndim != 3:
        raise ValueError("a TIFF file holds gray slices only")
    return stack.dump(plain)


def _plain(numbers: Numbers, signal: Signal) -> Numbers:
    """Return the numbers for an array: without a single channel, and with a NIfTI slope applied."""
    numbers = _scaled(numbers, signal)
    return numbers if _has_channels(signal) else numbers[..., 0]


def _scaled(numbers: Numbers, signal: Signal) -> Numbers:
    """Return the numbers with a slope and an intercept applied, if there are any."""
    slope, inter = signal.meta.get("slope"), signal.meta.get("inter")
    if not (isinstance(slope, float) and isinstance(inter, float)):
        return numbers
    return (numbers * slope + inter).astype(np.float32)


def _as_nifti(numbers: Numbers, signal: Signal, *, compressed: bool) -> bytes:
    from enas_inr_volume import nifti

    turned: Any = _reversed(numbers)
    colours = signal.meta.get("colours")
    if colours == numbers.shape[-1] and numbers.dtype == np.uint8:
        names = [(name, "u1") for name in "RGBA"[: numbers.shape[-1]]]
        turned = np.ascontiguousarray(turned).view(names)[..., 0]
    elif not _has_channels(signal):
        turned = turned[..., 0]
    elif numbers.ndim == 4 and signal.meta.get("channels_last") is not True:
        turned = turned[:, :, :, None]
    return nifti.dump(turned, signal, compressed=compressed)


def _has_channels(signal: Signal) -> bool:
    return signal.values.shape[-1] > 1 or signal.meta.get("channels_last") is True


def _reversed(numbers: Numbers) -> Numbers:
    """Reverse all axes but the last, which holds the channels."""
    return numbers.transpose(*range(numbers.ndim - 1)[::-1], numbers.ndim - 1)


def _suffix(path: Path, suffixes: tuple[str, ...], verb: str) -> str:
    for suffix in suffixes:
        if path.name.lower().endswith(suffix):
            return suffix
    raise SignalError(
        f"cannot {verb} {str(path)!r} as a volume: unknown suffix {path.suffix!r}",
        f"use one of: {', '.join(sorted(suffixes))}",
    )


def _check_size(shape: tuple[int, ...], what: str) -> None:
    count = math.prod(shape)
    if count > MAX_NUMBERS:
        raise SignalError(
            f"{what} holds {'x'.join(map(str, shape))} = {count / 1e6:,.0f} million numbers; the"
            f" limit is {MAX_NUMBERS // 10**6} million",
            "reduce its size, or extract a part, first",
        )
    if not count:
        raise SignalError(f"{what} holds no samples", "give a volume with at least one voxel")


def _not_a_volume(path: Path, shape: tuple[int, ...]) -> SignalError:
    hint = "give three or four"
    if len(shape) == 5:
        hint += ", or use channels_last=true if the last of five holds channels"
    text = "x".join(map(str, shape))
    dimensions = "1 dimension" if len(shape) == 1 else f"{len(shape)} dimensions"
    return SignalError(f"{str(path)!r} has {dimensions} ({text or 'a number'})", hint)
