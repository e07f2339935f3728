"""Picture files of any layout, made in memory."""

import struct
import zlib

import numpy as np
import OpenImageIO
import torch

from enas_inr.signals.levels import Levels
from enas_inr.signals.options import ImageOptions
from enas_inr.signals.pictures.image import ImageModality
from enas_inr.signals.signal import Signal

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
"""Colour types of PNG."""


def pixels(*shape, dtype=np.uint8, seed=0):
    limits = np.iinfo(dtype)
    generator = np.random.default_rng(seed)
    return generator.integers(limits.min, int(limits.max) + 1, shape, dtype=dtype)


def chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(rows, colour, bits=8, *before, size=None):
    """Return a PNG of rows of bytes or of 16-bit numbers, with chunks before its pixels."""
    if isinstance(rows, np.ndarray):
        size = size or (rows.shape[1], rows.shape[0])
        rows = [row.astype(">u2" if bits == 16 else np.uint8).tobytes() for row in rows]
    header = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            *before,
            chunk(b"IDAT", data),
            chunk(b"IEND", b""),
        ]
    )


def png_header(width, height, bits=8):
    """Return a PNG of RGB that declares a size and contains almost no data."""
    return png([bytes(99)], RGB, bits, size=(width, height))


def tiff(numbers, *tags, leave_out=(), **changed):
    """Return a TIFF of one strip of RGB, in which each tag is (number, type, count, value).

    Args:
        numbers: rows, columns, 3.
        tags: further tags.
        leave_out: numbers of tags to leave out.
        changed: other values of tags, such as `t278=4`.
    """
    rows, columns, channels = numbers.shape
    bits, data = 8 * numbers.dtype.itemsize, numbers.tobytes()
    usual = [(256, 4, 1, columns), (257, 4, 1, rows), (258, 3, channels, 0), (259, 3, 1, 1)]
    usual += [(262, 3, 1, 2), (273, 4, 1, 8), (277, 3, 1, channels), (278, 4, 1, rows)]
    usual += [(279, 4, 1, len(data)), *tags]
    kept = sorted(tag for tag in usual if tag[0] not in leave_out)
    after = 8 + len(data) + 2 + 12 * len(kept) + 4
    packed = b""
    for number, kind, count, value in kept:
        value = changed.get(f"t{number}", after if number == 258 else value)
        packed += struct.pack("<HHII", number, kind, count, value)
    head = b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(kept))
    return head + packed + bytes(4) + struct.pack(f"<{channels}H", *[bits] * channels)


def read(path, **options):
    return ImageModality(ImageOptions(**options)).read(path)


def write(signal, path):
    ImageModality().write(signal, path)


def put(path, content):
    path.write_bytes(content)
    return path


def signal_of(values, **meta):
    return Signal(torch.as_tensor(values, dtype=torch.float32), "image", "test", meta=meta)


def levels_of(signal, top=255):
    """Return the values of a signal as levels from 0 to `top`."""
    return np.rint((signal.values.double().numpy() + 1) * (top / 2)).astype(np.int64)


def numbers_of(signal):
    """Return the values of a signal as the numbers from which they were scaled."""
    levels = Levels.from_meta(signal.meta)
    low, high = levels.low, levels.high
    return signal.values.double().numpy() * (high - low) / 2 + (high + low) / 2


def oiio_write(path, numbers, *names, **attributes):
    """Write a file with OpenImageIO: `oiio_write(path, numbers, "R", "G", "B")`."""
    kinds = {"float16": "half", "float32": "float", "uint32": "uint", "int32": "int"}
    rows, columns, channels = numbers.shape
    spec = OpenImageIO.ImageSpec(
        columns, rows, channels, kinds.get(numbers.dtype.name, numbers.dtype.name)
    )
    if names:
        spec.channelnames = names
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    file = OpenImageIO.ImageOutput.create(str(path))
    assert file is not None
    assert file.open(str(path), spec)
    assert file.write_image(numbers)
    assert file.close()
    return path


def oiio_read(path):
    hints = OpenImageIO.ImageSpec()
    hints.attribute("oiio:UnassociatedAlpha", 1)
    file = OpenImageIO.ImageInput.open(str(path), hints)
    assert file is not None, OpenImageIO.geterror()
    return np.asarray(file.read_image(OpenImageIO.UNKNOWN))
