"""Read a series of DICOM slices, from a folder, a ZIP archive or a single file, with pydicom.

Slices are sorted by their position along the normal of their plane. A series that is mixed or has
gaps is refused. What identifies a patient is not kept.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from enas_inr.errors import SignalError
from enas_inr.signals.levels import Numbers

MOST_BYTES = 2**31  # of a ZIP archive when it is unpacked
_SAME = ("SeriesInstanceUID", "Rows", "Columns", "PixelSpacing", "ImageOrientationPatient")
_UNEVEN = 0.02  # of the distance of slices, which positions are rounded to
_TO_NIFTI = np.diag([-1.0, -1.0, 1.0, 1.0])  # from left, posterior to right, anterior
_MARK = slice(128, 132)


def load(path: Path) -> tuple[Numbers, dict[str, JsonValue]]:
    """Read a series.

    Returns:
        The stored numbers `z y x`, and what is kept: `affine`, `codes`, `units`, `slope`, `inter`.
        Slices that differ in slope or intercept are converted to float32.

    Raises:
        SignalError: the package pydicom is not installed, there are no slices, they are damaged, of
            several series, or some are missing.
    """
    what = repr(str(path))
    pydicom = _package(what)
    slices: list[Any] = []
    for name, content in _files(path, what):
        if not _is_dicom(content):
            continue
        try:
            found = pydicom.dcmread(BytesIO(content))
            if "PixelData" in found:  # not an index of a medium, or a report
                slices.append(found)
        except Exception as error:  # pydicom raises various errors on damaged files
            raise _damaged(f"{what}: {name}", error) from None
    if not slices:
        raise SignalError(f"{what} has no DICOM slices", "give a folder or ZIP archive of a series")
    _check_one_series(slices, what)
    try:
        places, step = _sorted(slices, what)
        numbers, scale = _numbers(slices, what)
    except SignalError:
        raise
    except Exception as error:  # a value of another type, or pixels that cannot be decoded
        raise _damaged(what, error) from None
    meta: dict[str, JsonValue] = {"units": ["mm", "unknown"], **scale}
    if places is not None:
        meta |= {"affine": _affine(slices, places, step).tolist(), "codes": [1, 1]}
    return numbers, meta


def _files(path: Path, what: str) -> Iterator[tuple[str, bytes]]:
    """Iterate over the names and contents of files, without hidden ones."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if _counts(file):
                yield file.name, file.read_bytes()
    elif zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                members = [one for one in archive.infolist() if not one.is_dir()]
                if sum(one.file_size for one in members) > MOST_BYTES:
                    raise ValueError(f"it has over {MOST_BYTES // 2**20} MiB")
                for one in members:
                    yield one.filename, archive.read(one)
        except (zipfile.BadZipFile, ValueError, RuntimeError, OSError, EOFError) as error:
            raise _damaged(what, error) from None
    else:
        yield path.name, path.read_bytes()


def _counts(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".")


def _is_dicom(content: bytes) -> bool:
    return content[_MARK] == b"DICM"


def _check_one_series(slices: Sequence[Any], what: str) -> None:
    """Refuse slices that differ in what those of one series have in common."""
    for name in _SAME:
        values = {str(one.get(name)) for one in slices}
        if len(values) > 1:
            raise SignalError(
                f"{what} is mixed: its {len(slices)} slices have {len(values)} values of {name}",
                "keep those of one series in a folder",
            )
    if any(int(one.get("SamplesPerPixel", 1)) != 1 for one in slices):
        raise SignalError(f"{what} has coloured slices", "give a series of gray slices")
    if len(slices) > 1 and any(int(one.get("NumberOfFrames") or 1) > 1 for one in slices):
        raise SignalError(
            f"{what} has files of several frames", "give each of them alone, or single slices"
        )


def _sorted(slices: list[Any], what: str) -> tuple[list[float] | None, float]:
    """Sort slices by place, and return their places and distance in mm; None if they have none.

    Raises:
        SignalError: two slices have one place, or some are missing.
    """
    if len(slices) == 1 or any("ImagePositionPatient" not in one for one in slices):
        return _numbered(slices, what)
    orientation = slices[0].get("ImageOrientationPatient", [1, 0, 0, 0, 1, 0])
    rows = np.array(orientation, dtype=float).reshape(2, 3)
    normal = np.cross(*rows)

    def place(one: Any) -> float:
        return float(normal @ np.array(one.ImagePositionPatient, dtype=float))

    slices.sort(key=place)
    places = [place(one) for one in slices]
    steps = np.diff(places)
    usual = float(np.median(steps))
    if steps.min() <= _UNEVEN * usual:
        raise SignalError(
            f"{what} is mixed: two slices lie at {places[int(steps.argmin())]:.2f} mm",
            "keep one of several times, echoes or series",
        )
    if np.abs(steps - usual).max() > _UNEVEN * usual:
        gap = int(np.abs(steps - usual).argmax())
        raise SignalError(
            f"{what} is incomplete: from the slice at {places[gap]:.2f} mm to the next are"
            f" {steps[gap]:.2f} mm, others are {usual:.2f} mm apart",
            "give all slices of the series",
        )
    return places, (places[-1] - places[0]) / (len(places) - 1)


def _numbered(slices: list[Any], what: str) -> tuple[list[float] | None, float]:
    """Sort slices by number, since they have no place, or there is only one."""
    slices.sort(key=lambda one: int(one.get("InstanceNumber") or 0))
    numbers = [int(one.get("InstanceNumber") or 0) for one in slices]
    if any(after - before != 1 for before, after in pairwise(numbers)):
        raise SignalError(
            f"{what} is incomplete or mixed: its slices have the numbers"
            f" {', '.join(map(str, numbers[:8]))}{', ...' if len(numbers) > 8 else ''}",
            "give all slices of one series",
        )
    first = slices[0]
    step = first.get("SpacingBetweenSlices") or first.get("SliceThickness") or 1.0
    has_place = "ImagePositionPatient" in first and len(slices) == 1
    return ([0.0] if has_place else None), float(step)


def _affine(slices: Sequence[Any], places: Sequence[float], step: float) -> Any:
    """Return the map from columns, rows and slices to the world coordinates of NIfTI in mm."""
    first = slices[0]
    orientation = first.get("ImageOrientationPatient", [1, 0, 0, 0, 1, 0])
    rows = np.array(orientation, dtype=float).reshape(2, 3)
    down, across = (float(side) for side in first.get("PixelSpacing", [1.0, 1.0]))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = rows[0] * across, rows[1] * down
    origin = np.array(first.ImagePositionPatient, dtype=float)
    last = np.array(slices[-1].ImagePositionPatient, dtype=float)
    alone = np.cross(*rows) * step
    affine[:3, 2] = (last - origin) / (len(places) - 1) if len(places) > 1 else alone
    affine[:3, 3] = origin
    return _TO_NIFTI @ affine


def _numbers(slices: Sequence[Any], what: str) -> tuple[Numbers, dict[str, JsonValue]]:
    """Return the numbers `z y x`, and the slope and intercept to the values of the modality."""
    scales = {
        (float(one.get("RescaleSlope") or 1.0), float(one.get("RescaleIntercept") or 0.0))
        for one in slices
    }
    numbers = [np.asarray(one.pixel_array) for one in slices]
    whole = numbers[0] if len(numbers) == 1 and numbers[0].ndim == 3 else np.stack(numbers)
    if len(scales) == 1:
        slope, inter = next(iter(scales))
        return whole, ({} if (slope, inter) == (1.0, 0.0) else {"slope": slope, "inter": inter})
    scaled = [
        part * np.float32(one.get("RescaleSlope") or 1.0)
        + np.float32(one.get("RescaleIntercept") or 0.0)
        for part, one in zip(numbers, slices, strict=True)
    ]
    return np.stack(scaled).astype(np.float32), {}


def _damaged(what: str, error: Exception) -> SignalError:
    text = str(error) or type(error).__name__
    return SignalError(f"{what} is not DICOM or is damaged: {text}", "give a complete series")


def _package(what: str) -> Any:
    try:
        import pydicom
    except ImportError:
        raise SignalError(
            f"{what} needs the package pydicom",
            "install it: pip install 'enas-inr-volume[dicom]'",
        ) from None
    return pydicom
