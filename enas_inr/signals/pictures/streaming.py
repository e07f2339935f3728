"""Write large pictures to a file row by row, in the formats that allow it."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import torch

from enas_inr.errors import warn_once
from enas_inr.signals.files import cannot
from enas_inr.signals.parts import SignalParts
from enas_inr.signals.pictures.encoding import check_picture
from enas_inr.signals.pictures.layout import PictureLayout, png_tags
from enas_inr.signals.pictures.png import SIGNATURE, chunk

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # by channels
_UP = 2  # the filter that stores the difference from the row above
_ROWS = 64  # that are written at once


def write_png(parts: SignalParts, path: Path) -> None:
    """Write a PNG row by row, each as its difference from the row above.

    Pillow and OpenImageIO keep the whole file, or its metadata, in their own way; the format itself
    is a stream: https://www.w3.org/TR/png-3/.

    Raises:
        SignalError: the file cannot be written, or the format cannot hold the picture.
    """
    layout = _layout(parts, "PNG", path)
    rows, columns, channels = parts.shape
    depth = 8 * np.dtype(layout.stored.dtype).itemsize
    header = struct.pack(">IIBBBBB", columns, rows, depth, _COLOUR_TYPES[channels], 0, 0, 0)
    packer = zlib.compressobj()
    above = np.zeros((1, columns * channels * depth // 8), dtype=np.uint8)
    try:
        with path.open("wb") as file:
            file.write(SIGNATURE + chunk(b"IHDR", header))
            for name, data in png_tags(layout.tags).items():
                file.write(chunk(name.encode("latin-1"), data))
            for band in parts.split(_ROWS, repr(str(path))):
                numbers = layout.numbers(parts.of(band))
                big_endian = numbers.astype(numbers.dtype.newbyteorder(">"))
                lines = big_endian.reshape(len(numbers), -1).view(np.uint8)
                filtered = np.full((len(lines), 1 + lines.shape[1]), _UP, dtype=np.uint8)
                filtered[:, 1:] = lines - np.concatenate([above, lines[:-1]])
                above = lines[-1:]
                if packed := packer.compress(filtered.tobytes()):
                    file.write(chunk(b"IDAT", packed))
            file.write(chunk(b"IDAT", packer.flush()) + chunk(b"IEND", b""))
    except OSError as error:
        raise cannot("written", path, error) from None


def write_tiff(parts: SignalParts, path: Path) -> None:
    """Write a TIFF row by row; above 4 GiB, it is a BigTIFF.

    Raises:
        SignalError: the file cannot be written, or the format cannot hold the picture.
    """
    import OpenImageIO

    layout = _layout(parts, "TIFF", path)
    rows = parts.shape[0]
    output = OpenImageIO.ImageOutput.create("tiff")
    assert output is not None
    opened = output.open(os.fspath(path), layout.spec(*parts.shape))
    start = 0
    try:
        for band in parts.split(_ROWS, repr(str(path))) if opened else ():
            numbers = layout.numbers(parts.of(band))
            if not output.write_scanlines(start, start + len(numbers), 0, numbers):
                break
            start += len(numbers)
    finally:
        closed = opened and output.close()
    if start < rows or not closed:
        raise cannot("written", path, OSError(output.geterror() or "the disk may be full"))


def _layout(parts: SignalParts, name: str, path: Path) -> PictureLayout:
    """Return how a format stores a picture, and say what it cannot hold.

    Raises:
        SignalError: it cannot hold the picture.
    """
    shape_alone = parts.of(torch.zeros(()).expand(parts.shape))
    check_picture(shape_alone, name, repr(str(path)))
    layout = PictureLayout.of(shape_alone, name)
    for lost in layout.lost:
        warn_once(f"{name}: {lost}")
    return layout
