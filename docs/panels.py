"""Rows of pictures with two lines of text under each, for the pages of the documentation."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

PANEL, GAP, LINE = 384, 16, 26
INK, GRAY, PAPER, MARK = (32, 33, 36), (95, 99, 104), (255, 255, 255), (255, 196, 0)


class Panel(NamedTuple):
    """A picture, and two lines under it."""

    picture: Image.Image
    title: str
    note: str


def drawn(shown: Sequence[Panel], columns: int | None = None) -> Image.Image:
    """Return the panels side by side, in rows of so many columns."""
    columns = columns or len(shown)
    high = max(panel.picture.height for panel in shown) + 2 * LINE + 12
    wide = max(panel.picture.width for panel in shown) + GAP
    rows = -(-len(shown) // columns)
    page = Image.new("RGB", (columns * wide - GAP, rows * high), PAPER)
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 18)
    pen = ImageDraw.Draw(page)
    for number, panel in enumerate(shown):
        left, top = number % columns * wide, number // columns * high
        page.paste(panel.picture, (left, top))
        below = top + panel.picture.height + 6
        pen.text((left, below), panel.title, INK, font)
        pen.text((left, below + LINE), panel.note, GRAY, font)
    return page


def as_picture(values: Tensor) -> Image.Image:
    """Return values in [-1, 1], of shape (rows, columns, channels), as a picture."""
    levels = ((values.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    return Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)


def as_jpeg(photograph: Image.Image, least_db: float) -> tuple[bytes, float]:
    """Return the smallest JPEG of at least a PSNR, and its PSNR in dB."""
    exact = np.asarray(photograph, dtype=np.float64)
    for quality in range(1, 101):
        file = io.BytesIO()
        photograph.save(file, "JPEG", quality=quality)
        error = np.asarray(Image.open(file), dtype=np.float64) - exact
        psnr_db = 20 * np.log10(255 / np.sqrt(np.mean(error**2)))
        if psnr_db >= least_db:
            break
    return file.getvalue(), float(psnr_db)
