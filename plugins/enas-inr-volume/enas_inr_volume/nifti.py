"""Read and write NIfTI images, `.nii` and `.nii.gz`, with nibabel.

A NIfTI array is indexed by x, y, z, then time, then the components of a voxel; x changes fastest in
a file. The axes of a signal have the reverse order, as pictures have rows before columns: z, y, x,
or time, z, y, x.
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

nibabel: Any = nib  # its type annotations are incomplete
_STORED = {"float16": "float32", "bool": "uint8"}  # types that NIfTI lacks, and substitutes
_ALIGNED = 2  # code in NIfTI for coordinates that are aligned to another file


@dataclass(frozen=True)
class Header:
    """An open file, of which only the header has been read.

    Attributes:
        image: the image of nibabel.
        shape: x, y, z and further dimensions of the file, without trailing dimensions of 1.
        dtype: type of the stored numbers, before slope and intercept are applied.
        meta: the parts of the header to keep: `affine` (from voxels to world coordinates, mostly
            in millimetres), `codes` (of qform and sform), `units`, `step` of the time axis, `slope`
            and `inter`.
    """

    image: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    meta: dict[str, JsonValue]

    def read(self) -> Numbers:
        """Read the stored numbers, with the axes in the order of the file.

        Raises:
            SignalError: the file is damaged.
        """
        try:
            return np.asarray(self.image.dataobj.get_unscaled()).reshape(self.shape)
        except Exception as error:  # gzip, zlib, nibabel and the system raise various errors
            raise _damaged(self.image.get_filename(), error) from None


def open_header(path: Path) -> Header:
    """Read the header of a file.

    Raises:
        SignalError: the file is not NIfTI or is damaged.
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
    """Return the content of a file.

    The affine describes the samples of the signal: a rendering at twice the size has half the step,
    and a rendering of a part has the position of that part.

    Args:
        numbers: the numbers with axes x, y, z and so on.
        signal: the signal with these numbers, for its `meta` and its sampling.
        compressed: whether to compress the content, as for `.nii.gz`.

    Raises:
        ValueError, TypeError, OverflowError, HeaderDataError of nibabel: NIfTI cannot store it.
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
        header.set_slope_inter(meta["slope"], meta["inter"])  # so that nibabel does not rescale
    content: bytes = image.to_bytes()
    return gzip.compress(content, mtime=0) if compressed else content


def _damaged(path: str, error: Exception) -> SignalError:
    return SignalError(
        f"{path!r} is not a NIfTI image or is damaged: {error or type(error).__name__}",
        "give a complete .nii or .nii.gz file",
    )
