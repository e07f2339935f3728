"""NIfTI images, `.nii` and `.nii.gz`, through nibabel.

A NIfTI array is indexed x, y, z, then time, then whatever a voxel holds several of; in a file x
changes fastest. A signal has its axes the other way round, as pictures have rows before columns:
z, y, x, or time, z, y, x.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from pydantic import JsonValue

from enas_inr.errors import SignalError
from enas_inr.signals.signal import Signal
from enas_inr_volume.levels import Numbers

nibabel: Any = nib  # typed in part only
_STORED = {"float16": "float32", "bool": "uint8"}  # what NIfTI has instead
_ALIGNED = 2  # NIfTI's code for coordinates that are some scanner's or other file's


@dataclass(frozen=True)
class Header:
    """A file that is open: its shape is known, its numbers are not read yet.

    Attributes:
        shape: x, y, z, and more, as in the file but without dimensions of 1 at the end.
        dtype: of the stored numbers, before the file's slope and intercept.
        meta: what is kept of the header: `affine` (voxel to world, in millimetres mostly), its
            `codes` (NIfTI's, of qform and sform), `units`, `step` of the time axis, `slope` and
            `inter`.
    """

    image: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    meta: dict[str, JsonValue]

    def read(self) -> Numbers:
        """Read the stored numbers, axes in the file's order.

        Raises:
            SignalError: the file is damaged.
        """
        try:
            return np.asarray(self.image.dataobj.get_unscaled()).reshape(self.shape)
        except Exception as error:  # of gzip, zlib, the operating system, or nibabel
            raise _damaged(self.image.get_filename(), error) from None


def open_header(path: Path) -> Header:
    """Read a file's header.

    Raises:
        SignalError: not NIfTI, or damaged.
    """
    try:
        image: Any = nibabel.load(path)
        if not isinstance(image, nibabel.Nifti1Image):
            raise ValueError(f"it is {type(image).__name__}")
        shape = [int(n) for n in image.shape]
        while len(shape) > 3 and shape[-1] == 1:
            shape.pop()
        header = image.header
        meta: dict[str, JsonValue] = {
            "affine": image.affine.tolist(),
            "codes": [int(header["qform_code"]), int(header["sform_code"])],
            "units": list(header.get_xyzt_units()),
        }
        if len(shape) > 3:
            meta["step"] = float(header.get_zooms()[3])
        slope, inter = float(image.dataobj.slope), float(image.dataobj.inter)
        if (slope, inter) != (1.0, 0.0):
            meta |= {"slope": slope, "inter": inter}
        return Header(image, tuple(shape), image.get_data_dtype(), meta)
    except Exception as error:  # nibabel raises almost anything on a damaged header
        raise _damaged(str(path), error) from None


def dump(numbers: Numbers, signal: Signal, *, compressed: bool) -> bytes:
    """The content of a file.

    The affine goes with the samples: a rendering at twice the size has half the step, and one of a
    part begins where the part does.

    Args:
        numbers: x, y, z, and more.
        signal: of which they are, with its `meta` and its sampling.
        compressed: as `.nii.gz`.

    Raises:
        ValueError, TypeError, OverflowError, nibabel's HeaderDataError: what NIfTI cannot hold.
    """
    meta: dict[str, Any] = dict(signal.meta)
    numbers = numbers.astype(_STORED.get(numbers.dtype.name, numbers.dtype.name))
    firsts, steps = zip(*signal.sampling[-3:][::-1], strict=True)
    placed = np.diag([*steps, 1.0])
    placed[:3, 3] = firsts
    affine = np.array(meta.get("affine", np.eye(4))) @ placed
    image: Any = nibabel.Nifti1Image(numbers, affine, dtype=numbers.dtype)
    qform, sform = meta.get("codes", (0, _ALIGNED))
    image.set_qform(affine, code=qform)
    image.set_sform(affine, code=sform)
    header = image.header
    if "step" in meta and numbers.ndim > 3:
        zooms = list(header.get_zooms())
        zooms[3] = meta["step"] * (signal.sampling[0][1] if len(signal.sampling) == 4 else 1)
        header.set_zooms(zooms)
    header.set_xyzt_units(*meta.get("units", ("unknown", "unknown")))
    if "slope" in meta:
        header.set_slope_inter(meta["slope"], meta["inter"])  # nibabel then stores what it is given
    content: bytes = image.to_bytes()
    return gzip.compress(content, mtime=0) if compressed else content


def _damaged(path: str, error: Exception) -> SignalError:
    return SignalError(
        f"{path!r}: not a NIfTI image, or damaged: {error or type(error).__name__}",
        "give a complete .nii or .nii.gz file",
    )
