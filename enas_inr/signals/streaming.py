"""Write large signals to a file part by part, in the formats that allow it."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from enas_inr.errors import warn_once
from enas_inr.hookspecs import Modality
from enas_inr.signals.files import cannot
from enas_inr.signals.parts import SignalParts
from enas_inr.signals.pictures.encoding import FORMATS, PictureLayout, check_picture, png_tags
from enas_inr.signals.pictures.png import SIGNATURE, chunk
from enas_inr.signals.signal import check_values
from enas_inr.signals.sounds.audio import FAILURES, check_sound, forget_time, levels_of, refused
from enas_inr.signals.sounds.formats import FORMATS as SOUNDS
from enas_inr.signals.sounds.formats import format_of, loss, subtype_of

STREAMED_FROM = 2**28
"""Bytes of the values from which a signal is written part by part."""

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # by channels
_UP = 2  # the filter that stores the difference from the row above
_LARGEST_WAV = 2**32 - 2**16  # bytes, which RF64 exceeds with the same layout
_ROWS = 64  # of a picture that are written at once
_FRAMES = 2**16  # of a sound: libsndfile's Vorbis encoder overflows the stack on long writes

Write = Callable[[SignalParts, Path], None]


def stream_of(described: Modality, suffix: str) -> Write | None:
    """Return what writes signals of a modality part by part, if there is such a writer.

    Args:
        described: the modality; those of plugins only write whole signals.
        suffix: the suffix of the file in lower case, which decides the format.
    """
    module = described.target.partition(":")[0]
    if module == "enas_inr.signals.pictures.image":
        return {"PNG": _write_png, "TIFF": _write_tiff}.get(FORMATS.get(suffix, ""))
    if module == "enas_inr.signals.sounds.audio" and suffix in SOUNDS:
        return _write_sound
    return None


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


def _write_png(parts: SignalParts, path: Path) -> None:
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
            for band in _split(parts, _ROWS, path):
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


def _write_tiff(parts: SignalParts, path: Path) -> None:
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
        for band in _split(parts, _ROWS, path) if opened else ():
            numbers = layout.numbers(parts.of(band))
            if not output.write_scanlines(start, start + len(numbers), 0, numbers):
                break
            start += len(numbers)
    finally:
        closed = opened and output.close()
    if start < rows or not closed:
        raise cannot("written", path, OSError(output.geterror() or "the disk may be full"))


def _write_sound(parts: SignalParts, path: Path) -> None:
    """Write a sound block by block.

    Raises:
        SignalError: the format cannot hold the signal.
        OSError: the file cannot be written.
    """
    what = repr(str(path))
    rate = check_sound(parts.shape, parts.sample_rate, what)
    frames, channels = parts.shape
    name = format_of(path.suffix, parts.meta)
    assert name is not None
    subtype = subtype_of(name, path.suffix, parts.meta)
    if lost := loss(subtype, parts.meta):
        warn_once(f"{name}: {lost}")
    if name == "WAV" and 8 * frames * channels > _LARGEST_WAV:
        name = "RF64"
    try:
        opened = soundfile.SoundFile(path, "w", rate, channels, format=name, subtype=subtype)
    except FAILURES as error:
        raise refused(what, channels, rate, f"{name} {subtype}", error) from None
    try:
        with opened as file:
            for block in _split(parts, _FRAMES, path):
                file.write(levels_of(parts.of(block), subtype))
    except FAILURES as error:
        raise cannot("written", path, error) from None
    with path.open("rb+") as written:
        forget_time(written)


def _split(parts: SignalParts, most: int, path: Path) -> Iterator[Tensor]:
    """Make all parts, and divide larger ones."""
    for part in parts.make():
        check_values(part, repr(str(path)))
        yield from part.split(most)  # type: ignore[no-untyped-call]
