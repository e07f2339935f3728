"""Read and write NIfTI images, `.nii` and `.nii.gz`, whose headers nibabel decodes.

A NIfTI array is indexed by x, y, z, then time, then the components of a voxel; x changes fastest in
a file. The axes of a signal have the reverse order, as pictures have rows before columns: z, y, x,
or time, z, y, x.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import nibabel as nib
import numpy as np
from pydantic import JsonValue

from enas_inr.errors import SignalError, first_line
from enas_inr.signals.levels import Numbers
from enas_inr.signals.signal import Signal
from enas_inr_volume.places import finite, placed

nibabel: Any = nib  # its type annotations are incomplete
_STORED = {"float16": "float32", "bool": "uint8"}  # types that NIfTI lacks, and substitutes
_ALIGNED = 2  # code in NIfTI for coordinates that are aligned to another file
_GZIP = b"\x1f\x8b"
_HEAD = 544  # bytes, of the longer header and the flag of its extensions
_TEXTS = ("descrip", "aux_file", "intent_name")
_NUMBERS = ("intent_code", "intent_p1", "intent_p2", "intent_p3", "cal_max", "cal_min", "toffset")
_PLACES = (
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("srow_x", "srow_y", "srow_z", "pixdim"),
)


@dataclass(frozen=True)
class Header:
    """The header of a file.

    Attributes:
        path: the file.
        shape: x, y, z and further dimensions of the file, without trailing dimensions of 1.
        dtype: type of the stored numbers, before slope and intercept are applied.
        offset: where the numbers begin in the file, after decompression.
        meta: what is kept: `affine` (from voxels to world coordinates, mostly in millimetres),
            `qform` and `sform`, their `codes`, `units`, `step` of the time axis, `slope` and
            `inter`, and other fields of the `header`.
        notes: what the header says wrongly, in a few words each.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    meta: dict[str, JsonValue]
    notes: tuple[str, ...] = ()

    @property
    def colours(self) -> int:
        """The number of colours of a voxel; 0 if it is a number."""
        return len(self.dtype.names or ()) if self.dtype.itemsize in (3, 4) else 0

    def read(self) -> Numbers:
        """Read the stored numbers, with the axes in the order of the file, then any colours.

        Raises:
            SignalError: the file is damaged.
        """
        try:
            with _opened(self.path) as file:
                if not isinstance(file, gzip.GzipFile):
                    numbers = np.memmap(
                        self.path, self.dtype, "r", self.offset, self.shape, order="F"
                    )
                else:
                    file.seek(self.offset)
                    content = file.read(math.prod(self.shape) * self.dtype.itemsize)
                    while file.read(2**20):  # to the end, whose checksum says if it is complete
                        pass
                    numbers = np.frombuffer(content, self.dtype).reshape(self.shape, order="F")
            if not self.colours:
                return numbers
            return np.stack([numbers[name] for name in numbers.dtype.names or ()], axis=-1)
        except Exception as error:  # gzip, zlib, NumPy and the system raise various errors
            raise _damaged(self.path, error) from None


def open_header(path: Path) -> Header:
    """Read the header of a file, and mend what it says wrongly of the coordinates.

    Raises:
        SignalError: the file is not NIfTI or is damaged.
    """
    try:
        with _opened(path) as file:
            head = file.read(_HEAD)
        second = b"n+2" in head[4:8]
        if not second and head[344:347] not in (b"n+1", b"ni1"):
            raise ValueError("it has no signature of NIfTI")
        make = nibabel.Nifti2Header if second else nibabel.Nifti1Header
        size = 540 if second else 348
        header = make(head[:size], check=False)
        shape = [int(n) for n in header.get_data_shape()]
        while len(shape) > 3 and shape[-1] == 1:
            shape.pop()
        shape += [1] * (3 - len(shape))
        if min(shape) < 0:
            raise ValueError(f"it states the dimensions {shape}")
        notes: list[str] = []
        offset, dtype = float(header["vox_offset"]), header.get_data_dtype()
        if not (finite(offset) and offset >= size):
            notes.append("states no place of the voxels, which follow it")
            offset = size + 4
        if head[size : size + 1] not in (b"\0", b""):
            notes.append("has extensions, which are not kept")
        meta = _meta(header, notes)
        if len(shape) > 3 and finite(step := float(header["pixdim"][4])):
            meta["step"] = step
        if second:
            meta["nifti"] = 2
        return Header(path, tuple(shape), dtype, int(offset), meta, tuple(notes))
    except Exception as error:  # nibabel raises almost anything on a damaged header
        raise _damaged(path, error) from None


def _meta(header: Any, notes: list[str]) -> dict[str, JsonValue]:
    """Return the parts of a header that are kept."""
    codes = {name: int(header[f"{name}_code"]) for name in ("qform", "sform")}
    forms: dict[str, Any] = {"sform": header.get_sform()}
    try:
        forms["qform"] = header.get_qform()
    except Exception:  # of a quaternion that is none
        forms["qform"] = np.full((4, 4), np.nan)
    for name, form in forms.items():
        if codes[name] and not (np.isfinite(form).all() and np.linalg.det(form)):
            notes.append(f"has a {name} that is not valid, and is left out")
            codes[name] = 0
    chosen = next((name for name in ("sform", "qform") if codes[name]), None)
    zooms = header["pixdim"][1:4]
    if not (np.isfinite(zooms).all() and zooms.all()):
        notes.append("states no valid size of a voxel, which is taken as 1")
        header["pixdim"][1:4] = 1.0
    affine = forms[chosen] if chosen else header.get_base_affine()
    meta: dict[str, JsonValue] = {
        "affine": affine.tolist(),
        "codes": [codes["qform"], codes["sform"]],
        "units": list(header.get_xyzt_units()),
    }
    meta |= {name: forms[name].tolist() for name, code in codes.items() if code}
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    if finite(slope) and slope:
        if not finite(inter):
            notes.append("has no valid intercept, which is taken as 0")
            inter = 0.0
        if (slope, inter) != (1.0, 0.0):
            meta |= {"slope": slope, "inter": inter}
    fields: dict[str, JsonValue] = {
        name: text for name in _TEXTS if (text := _text(header[name].tobytes()))
    }
    for name in _NUMBERS:
        if finite(value := header[name].item()) and value:
            fields[name] = value
    places = {name: np.ravel(header[name]).tolist() for name in _PLACES}
    if all(finite(number) for numbers in places.values() for number in numbers):
        fields |= places
    return meta | ({"header": fields} if fields else {})


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("latin-1").strip()


def dump(numbers: Numbers, signal: Signal, *, compressed: bool) -> bytes:
    """Return the content of a file.

    The affine describes the samples of the signal: a rendering at twice the size has half the step,
    and a rendering of a part has the position of that part.

    Args:
        numbers: the numbers with axes x, y, z and so on; of a structured type for colours.
        signal: the signal with these numbers, for its `meta` and its sampling.
        compressed: whether to compress the content, as for `.nii.gz`.

    Raises:
        ValueError, TypeError, OverflowError, HeaderDataError of nibabel: NIfTI cannot store it.
    """
    meta: dict[str, Any] = dict(signal.meta)
    if not numbers.dtype.names:
        numbers = numbers.astype(_STORED.get(numbers.dtype.name, numbers.dtype.name))
    header: Any = nibabel.Nifti2Header() if meta.get("nifti") == 2 else nibabel.Nifti1Header()
    header.set_data_dtype(numbers.dtype)
    header.set_data_shape(numbers.shape)
    here = placed(signal)
    affine = np.array(meta.get("affine", np.eye(4)))
    codes = meta.get("codes", (0, _ALIGNED))
    for name, code in zip(("qform", "sform"), codes, strict=True):
        form = np.array(meta.get(name, affine)) @ here
        getattr(header, f"set_{name}")(form, code=code)
    if not any(codes):
        header.set_zooms([*np.linalg.norm(affine @ here, axis=0)[:3], *header.get_zooms()[3:]])
    if "step" in meta and numbers.ndim > 3:
        zooms = list(header.get_zooms())
        zooms[3] = meta["step"] * (signal.sampling[0][1] if len(signal.sampling) == 4 else 1)
        header.set_zooms(zooms)
    header.set_xyzt_units(*meta.get("units", ("unknown", "unknown")))
    if "slope" in meta:
        header.set_slope_inter(meta["slope"], meta["inter"])
    for name, value in meta.get("header", {}).items():
        if name in _TEXTS:
            header[name] = value.encode("latin-1", errors="replace")
        elif name in _NUMBERS:
            header[name] = value
        elif name in _PLACES and signal.window is None:  # exactly as they were
            header[name] = value if len(value) > 1 else value[0]
    size = header.sizeof_hdr
    header["vox_offset"] = size + 4
    header["magic"] = header.single_magic
    content: bytes = header.binaryblock + bytes(4) + numbers.tobytes(order="F")
    return gzip.compress(content, mtime=0) if compressed else content


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, which is decompressed if its content is, whatever its suffix says."""
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
        file.seek(0)
        if not compressed:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as inside:
            yield inside  # type: ignore[misc]


def _damaged(path: Path, error: Exception) -> SignalError:
    return SignalError(
        f"{str(path)!r} is not a NIfTI image or is damaged: {first_line(error)}",
        "give a complete .nii or .nii.gz file",
    )
