"""A picture as its file stores it: numbers of any type, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from enas_inr.errors import SignalError, first_line
from enas_inr.signals.levels import Levels, Numbers

MAX_PIXELS = 100_000_000
"""Larger pictures are refused before they are decoded."""

MAX_PAGES = 10_000
"""Pages that are counted; a file with more is said to have `more than` them."""

MOST_DPI = 1e6
"""Resolutions from here are taken for errors."""

ON_THEIR_SIDE = (5, 6, 7, 8)
"""The orientations of EXIF that exchange rows and columns."""


@dataclass(frozen=True, eq=False)
class Raster:
    """A decoded picture.

    Attributes:
        numbers: rows, columns and 1, 3 or 4 channels: gray, RGB or RGBA.
        premultiplied: whether the colours are multiplied by alpha, as in EXR.
        profile: ICC profile of the colours; empty if there is none.
        dpi: pixels per inch along the columns and along the rows; None if unknown.
        chunks: chunks of a PNG about its colours, such as gAMA.
        orientation: what EXIF calls it: 1 is upright.
    """

    numbers: Numbers
    premultiplied: bool = False
    profile: bytes = b""
    dpi: tuple[float, float] | None = None
    chunks: Mapping[str, bytes] = field(default_factory=dict)
    orientation: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.numbers.shape[1], self.numbers.shape[0]

    @property
    def colours(self) -> Numbers:
        """The channels without alpha."""
        return self.numbers[..., :3]

    def upright(self) -> Raster:
        """Return the picture turned as its orientation says."""
        if self.orientation not in range(2, 9):
            return self
        turned = np.ascontiguousarray(_turned(self.numbers, self.orientation))
        dpi = self.dpi
        if dpi and self.orientation in ON_THEIR_SIDE:
            dpi = dpi[1], dpi[0]
        return replace(self, numbers=turned, dpi=dpi, orientation=1)

    def resized(self, size: tuple[int, int]) -> Raster:
        """Return the picture with another width and height, by a bilinear filter without aliasing.

        Numbers of 8 bits are resized by Pillow at 8 bits, as in the paper's code, and others as
        floats.
        """
        if size == self.size:
            return self
        columns, rows = size
        dpi = self.dpi
        if dpi:
            dpi = dpi[0] * columns / self.size[0], dpi[1] * rows / self.size[1]
        bilinear = Image.Resampling.BILINEAR
        if self.numbers.dtype == np.uint8:
            resized = np.array(self.as_pillow().resize(size, bilinear))
            return replace(self, numbers=resized.reshape(rows, columns, -1), dpi=dpi)
        numbers = self.numbers.astype(np.float32)
        weighted = numbers.shape[-1] == 4 and not self.premultiplied
        if weighted:
            numbers[..., :3] *= numbers[..., 3:]
        planes = [
            np.asarray(Image.fromarray(plane).resize(size, bilinear))
            for plane in np.moveaxis(numbers, -1, 0)
        ]
        made = np.stack(planes, axis=-1)
        if weighted:
            made[..., :3] = divided(made[..., :3], made[..., 3:])
        return replace(self, numbers=made, dpi=dpi)

    def as_pillow(self) -> Image.Image:
        """Return a picture of 8 bits as an image of Pillow: L, RGB or RGBA."""
        gray = self.numbers.shape[-1] == 1
        return Image.fromarray(self.numbers[..., 0] if gray else self.numbers)


def check_pixels(size: tuple[int, int], what: str) -> None:
    """Refuse a picture of no or too many pixels.

    Raises:
        SignalError: the message begins with `what`.
    """
    width, height = size
    if min(size) < 1:
        raise SignalError(f"{what}: {width}x{height} pixels", "give a picture that has some")
    if width * height > MAX_PIXELS:
        raise SignalError(
            f"{what}: {width}x{height} is {width * height / 1e6:.0f} million pixels,"
            f" the limit is {MAX_PIXELS // 10**6} million",
            "make it smaller first",
        )


def check_bytes(size: tuple[int, int], content: bytes, per_byte: float, what: str) -> None:
    """Refuse a file that is too short for its pixels, before they get any memory.

    Args:
        size: width and height.
        content: the file.
        per_byte: the largest number of pixels that one byte of such a file can hold.
        what: name of the picture in messages.

    Raises:
        SignalError: the message begins with `what`.
    """
    width, height = size
    if width * height > per_byte * len(content):
        raise damaged(what, f"{len(content)} bytes are too few for {width}x{height} pixels")


def likely_dpi(across: float, down: float) -> tuple[float, float] | None:
    """Return a resolution in pixels per inch, or None for one that makes no sense."""
    return (across, down) if 0 < min(across, down) <= max(across, down) < MOST_DPI else None


def damaged(what: str, error: BaseException | str) -> SignalError:
    """Return the error about a picture that cannot be decoded, with what a library says of it."""
    why = f": {said}" if (said := first_line(error)) else ""
    return SignalError(
        f"{what}: the image cannot be decoded{why}", "check that the file is complete"
    )


def divided(
    colours: npt.NDArray[np.float32], alpha: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return colours divided by alpha, and 0 where it is 0."""
    return np.divide(colours, alpha, out=np.zeros_like(colours), where=alpha > 0)


def not_premultiplied(numbers: Numbers) -> Numbers:
    """Return RGBA whose colours, of integers from 0, are no longer multiplied by alpha."""
    top = Levels.of_type(numbers.dtype.name).high
    made = numbers.copy()
    colours, alpha = numbers[..., :3].astype(np.float32), numbers[..., 3:].astype(np.float32)
    made[..., :3] = np.rint(np.clip(divided(colours, alpha / np.float32(top)), 0, top))
    return made


def _turned(numbers: Numbers, orientation: int) -> Numbers:
    if orientation in ON_THEIR_SIDE:
        numbers = numbers.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        numbers = numbers[:, ::-1]
    if orientation in (3, 4, 7, 8):
        numbers = numbers[::-1]
    return numbers
