"""Read and write NRRD files with pynrrd.

The axes of a NRRD file begin with the one that changes fastest, as those of NIfTI; a signal has
them in the reverse order.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from enas_inr.errors import SignalError, first_line
from enas_inr.signals.levels import Numbers
from enas_inr.signals.signal import Signal
from enas_inr_volume.places import placed

_SPACE_AXES = ("domain", "space", "time", "none", "???")  # kinds of axes that are no channels
_FLIPS = {  # from a space to that of NIfTI, which is right, anterior, superior
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}
_KEPT = ("space", "space units", "units", "labels", "content", "measurement frame", "encoding")


def load(path: Path) -> tuple[Numbers, bool, dict[str, JsonValue]]:
    """Read a file.

    Returns:
        The numbers with axes in the order of the file, but channels as the last one; whether there
        are channels; and what is kept of the header: `nrrd`, and the `affine` if there is one.

    Raises:
        SignalError: the package pynrrd is not installed, the file is not NRRD or is damaged.
    """
    nrrd = _package(repr(str(path)))
    try:
        with path.open("rb") as file:
            header = nrrd.read_header(file)
            if "data file" in header or "datafile" in header:
                raise ValueError("its numbers are in another file")
            numbers = np.asarray(nrrd.read_data(header, file, str(path), index_order="F"))
    except Exception as error:  # pynrrd, zlib and NumPy raise various errors
        raise SignalError(
            f"{str(path)!r} is not a NRRD file or is damaged: {first_line(error)}",
            "give a complete .nrrd file with its numbers in it",
        ) from None
    kinds = [str(kind).lower() for kind in header.get("kinds", [])]
    of_channels = [axis for axis, kind in enumerate(kinds) if kind not in _SPACE_AXES]
    if len(of_channels) > 1:
        raise SignalError(
            f"{str(path)!r} has {len(of_channels)} axes that are not of space ({', '.join(kinds)})",
            "give one with at most one such axis",
        )
    axis = of_channels[0] if of_channels else None
    if axis is not None:
        numbers = np.moveaxis(numbers, axis, -1)
    return numbers, axis is not None, _meta(header, kinds, axis)


def _meta(
    header: Mapping[str, Any], kinds: list[str], channels: int | None
) -> dict[str, JsonValue]:
    kept: dict[str, JsonValue] = {name: _plain(header[name]) for name in _KEPT if name in header}
    kept |= {"endian": _plain(header["endian"])} if "endian" in header else {}
    if kinds:
        kept["kinds"] = [*kinds]
    if channels is not None:
        kept["channels"] = channels
    meta: dict[str, JsonValue] = {"nrrd": kept}
    spatial = [axis for axis in range(int(header["dimension"])) if axis != channels]
    if "space directions" in header:
        rows = np.array(
            [np.full(3, np.nan) if row is None else row for row in header["space directions"]]
        )[spatial][:3]
        origin = np.array(header.get("space origin", np.zeros(3)), dtype=float)
        if rows.shape == (3, 3) and origin.shape == (3,):
            affine = np.eye(4)
            affine[:3, :3], affine[:3, 3] = rows.T, origin
            flip = np.diag([*_FLIPS.get(str(header.get("space", "ras")).lower(), (1, 1, 1)), 1.0])
            if np.isfinite(affine).all():
                meta["affine"] = (flip @ affine).tolist()
    elif "spacings" in header:
        sides = [float(header["spacings"][axis]) for axis in spatial][:3]
        if np.isfinite(sides).all() and len(sides) == 3:
            even: Any = np.diag([*sides, 1.0])
            meta["affine"] = even.tolist()
            kept["spacings"] = True
    return meta


def _plain(value: Any) -> JsonValue:
    """Return a value of a header as a JSON value."""
    if isinstance(value, np.ndarray):
        numbers: list[JsonValue] = value.tolist()
        return numbers
    return list(map(str, value)) if isinstance(value, list) else str(value)


def dump(numbers: Numbers, signal: Signal, *, channels: bool) -> bytes:
    """Return the content of a file.

    Args:
        numbers: the numbers with axes x, y, z and so on, then any channels.
        signal: the signal with these numbers, for its `meta` and its sampling.
        channels: whether the last axis holds channels.

    Raises:
        SignalError: the package pynrrd is not installed.
        ValueError, NRRDError: NRRD cannot store it.
    """
    nrrd = _package("a .nrrd file")
    meta: dict[str, Any] = dict(signal.meta)
    kept = dict(meta.get("nrrd", {}))
    axis = int(kept.pop("channels", numbers.ndim - 1))
    header: dict[str, Any] = {name: kept[name] for name in _KEPT if name in kept}
    header["encoding"] = header.get("encoding", "gzip")
    kinds = ["domain"] * (numbers.ndim - channels)
    if channels:
        numbers = np.moveaxis(numbers, -1, axis)
        kinds.insert(axis, "list")
    header["kinds"] = kept["kinds"] if len(kept.get("kinds", [])) == numbers.ndim else kinds
    for name in ("units", "labels"):
        if len(header.get(name, [])) != numbers.ndim:
            header.pop(name, None)
    if "affine" in meta:
        here = np.array(meta["affine"]) @ placed(signal)
        blank = [axis] if channels else []
        spatial = [one for one in range(numbers.ndim) if one not in blank]
        if kept.get("spacings"):
            sides = np.full(numbers.ndim, np.nan)
            sides[spatial[:3]] = np.diag(here)[:3]
            header["spacings"] = sides
        else:
            space = str(header.setdefault("space", "right-anterior-superior")).lower()
            here = np.diag([*_FLIPS.get(space, (1, 1, 1)), 1.0]) @ here
            rows: list[Any] = [None] * numbers.ndim
            for number, one in enumerate(spatial[:3]):
                rows[one] = here[:3, number]
            header["space directions"] = [np.full(3, np.nan) if r is None else r for r in rows]
            header["space origin"] = here[:3, 3]
    buffer = BytesIO()
    nrrd.write(buffer, numbers, header, index_order="F")
    # The library writes the time into a comment, so that equal volumes would give other files.
    head, _, rest = buffer.getvalue().partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if not line.startswith(b"#")]
    return b"\n".join(lines) + b"\n\n" + rest


def _package(what: str) -> Any:
    try:
        import nrrd
    except ImportError:
        raise SignalError(
            f"{what} needs the package pynrrd",
            "install it: pip install 'enas-inr-volume[nrrd]'",
        ) from None
    return nrrd
