"""Options of the built-in modalities."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from enas_inr.errors import SpecError
from enas_inr.spec import Options


class ImageOptions(Options):
    """Options of `image`.

    Attributes:
        size: (width, height) in pixels to resize to when reading; None keeps the size of the file.
        page: number of the picture to read from a file of several, such as a TIFF stack or an
            animation, counted from 1; None reads the first one (of HEIC, the primary one), and says
            that there are others.
    """

    size: tuple[int, int] | None = None
    page: int | None = Field(default=None, ge=1)

    @field_validator("size")
    @classmethod
    def _positive(cls, size: tuple[int, int] | None) -> tuple[int, int] | None:
        if size and min(size) < 1:
            raise ValueError("width and height must be at least 1")
        return size


PAPER_SIZE = "128"
"""The size of the paper's image, as text for `parse_size`."""


_SIDE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)  # pixels


def parse_size(text: str) -> tuple[int, int] | None:
    """Read an image size: `128` (a square), `WxH`, or `none`.

    Raises:
        SpecError: the text is none of these.
    """
    if text.lower() == "none":
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(_SIDE.fullmatch(part) for part in parts):
        raise SpecError(f"size {text!r} is not an image size", "write 128, 640x480 or none")
    return int(parts[0]), int(parts[-1])
