"""Pictures: read and written with Pillow, and beyond 8 bits with OpenImageIO."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import JsonValue
from torch import Tensor

from enas_inr.errors import SignalError, warn_once
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.signals.levels import Levels, check_finite
from enas_inr.signals.options import ImageOptions
from enas_inr.signals.pictures.colour import profile_meta
from enas_inr.signals.pictures.decoding import LARGEST_FILE, decode
from enas_inr.signals.pictures.encoding import FORMATS, encode
from enas_inr.signals.pictures.raster import Raster, check_pixels
from enas_inr.signals.signal import Modality, Signal

LABELS = ("icc", "png", "dpi")
"""The keys of the metadata of a picture that are not about how its numbers are stored."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class ImageModality(Modality):
    """Still pictures: values `[rows, columns, channels]`, which are gray, RGB or RGBA.

    `meta` keeps what is needed to write the picture as it was: its `mode` (L, RGB, RGBA, or I;16
    for gray of 16 bits), and if they are not the usual ones its `dtype`, the `range` of numbers
    that became [-1, 1], whether its colours are `premultiplied` by alpha, its colour profile
    (`icc`, compressed and as base64), the chunks of a `png` about its colours (hexadecimal), and
    its `dpi` along columns and rows.

    Gray with alpha and transparent colours become RGBA, a palette becomes RGB or RGBA, one bit
    becomes gray, and CMYK and CIELab become sRGB. The orientation is applied.

    Args:
        options: `size` resizes with an antialiased bilinear filter, for 8 bits that of Pillow
            before the conversion to float32, as the paper's code does. `page` chooses a picture in
            a file of several.
    """

    def __init__(self, options: ImageOptions = ImageOptions()) -> None:
        self._size, self._page = options.size, options.page

    def read(self, path: Path) -> Signal:
        """Read a picture of at most 100 million pixels, both before and after resizing.

        Raises:
            SignalError: the file cannot be read, is not a picture, is damaged or too large, has no
                such page, or holds NaN.
        """
        what = repr(str(path))
        _check_file(path, what)
        content = read_bytes(path)
        if self._size:
            check_pixels(self._size, f"{what} resized")
        raster = decode(content, self._page, path)
        check_finite(raster.numbers, what)
        levels = Levels.of(raster.colours, what)
        if not levels.is_exact:
            warn_once(f"{what} holds {levels.words}, which are fitted as float32")
        if self._size:
            raster = raster.resized(self._size)
        return picture(raster, levels, path.stem, what)

    def write(self, signal: Signal, path: Path) -> None:
        """Write a picture, clamped to [-1, 1]; integers are rounded to the nearest level.

        PNG, TIFF, BMP, WebP and EXR are written without loss, JPEG with quality 95, AVIF with 90.
        PNG keeps 16 bits, TIFF all types, and EXR floats. What a format cannot hold is said.

        Raises:
            SignalError: the suffix is unknown, the format cannot hold the signal, or the file
                cannot be written.
        """
        what = repr(str(path))
        name = FORMATS.get(path.suffix.lower())
        if name is None:
            raise SignalError(
                f"{what}: cannot write images as {path.suffix!r}",
                f"use one of: {', '.join(sorted(FORMATS))}",
            )
        encoded = encode(signal, name, what)
        replace_bytes(path, encoded.content)
        for loss in encoded.lost:
            warn_once(f"{what}: {loss}")


def picture(raster: Raster, levels: Levels, name: str, what: str) -> Signal:
    """Return a picture as a signal, with the metadata with which it can be written again.

    Args:
        raster: the picture.
        levels: the type of its colours, and which of them become -1 and 1.
        name: name of the signal.
        what: name of the picture in messages.
    """
    values = _values(raster, levels, what)
    return Signal(values, "image", name, meta=_meta(raster, levels))


def _check_file(path: Path, what: str) -> None:
    """Refuse a file that is far larger than the largest picture."""
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        return  # which reading says
    if size > LARGEST_FILE:
        raise SignalError(
            f"{what} has {size / 2**30:.1f} GiB, the limit is {LARGEST_FILE / 2**30:.0f}",
            "make it smaller first",
        )


def _meta(raster: Raster, levels: Levels) -> dict[str, JsonValue]:
    channels = raster.numbers.shape[-1]
    meta: dict[str, JsonValue] = {"mode": _MODES[channels]}
    if levels == Levels.of_type("uint16") and channels == 1:
        meta["mode"] = "I;16"  # as it has always been called
    else:
        meta |= levels.to_meta()
    if raster.premultiplied:
        meta["premultiplied"] = True
    meta |= profile_meta(raster.profile)
    if raster.chunks:
        meta["png"] = {name: data.hex() for name, data in raster.chunks.items()}
    if raster.dpi:
        meta["dpi"] = [round(n, 4) for n in raster.dpi]
    return meta


def _values(raster: Raster, levels: Levels, what: str) -> Float[Tensor, "rows columns channels"]:
    """Scale the numbers, of which alpha always has the range of its type."""
    if raster.numbers.shape[-1] < 4 or levels in (Levels(), Levels.of_type("uint16")):
        return levels.values(raster.numbers)
    alpha = Levels.of_type(levels.dtype).values(raster.numbers[..., 3:])
    if float(alpha.abs().max()) > 1:
        warn_once(f"{what}: alpha beyond its range is cut off")
    return torch.cat([levels.values(raster.colours), alpha.clamp(-1, 1)], dim=-1)
