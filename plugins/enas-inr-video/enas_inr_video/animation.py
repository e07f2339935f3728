"""Read animated GIF, WebP and PNG pictures as clips, with Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence

SUFFIXES = (".gif", ".webp", ".png", ".apng")

_USUAL = 100  # milliseconds of a frame that states none, as browsers take it

Pixels = npt.NDArray[np.uint8]
"""`[rows, columns, 3]`"""


def is_animation(path: Path) -> bool:
    """Whether the first bytes are those of a GIF, WebP or PNG file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
    return (
        head[:4] == b"GIF8"
        or head[:8] == b"\x89PNG\r\n\x1a\n"
        or (head[:4] == b"RIFF" and head[8:] == b"WEBP")
    )


def read_frames(path: Path) -> Iterator[tuple[Image.Image, Fraction, bool]]:
    """Iterate over the frames of a file: a picture, its seconds, and whether parts are transparent.

    The pictures are RGB; what is transparent is black.

    Raises:
        OSError, ValueError, SyntaxError, EOFError: as Pillow, if the file is damaged.
    """
    with Image.open(path, formats=["GIF", "WEBP", "PNG"]) as image:
        for frame in ImageSequence.Iterator(image):
            frame.load()  # WebP knows the duration of a frame only then
            lasts = Fraction(frame.info.get("duration") or _USUAL).limit_denominator(1000)
            whole = frame.convert("RGBA")
            least, _ = whole.getchannel("A").getextrema()
            clear = float(str(least)) < 255
            black = Image.new("RGBA", whole.size, (0, 0, 0, 255))
            yield Image.alpha_composite(black, whole).convert("RGB"), lasts / 1000, clear
