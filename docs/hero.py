"""Draw images/hero.png: a photograph, and a detail of it as pixels, as JPEG and as a model.

`python docs/hero.py` searches, fits and draws, in about two minutes. The figures under the picture
are those of this run.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import enas_inr

PICTURE = Path(__file__).parent / "images" / "hero.png"
TARGET_DB = 36.0
ROW, COLUMN, SIDE = 85, 190, 64  # the detail, in pixels of the photograph
ZOOM, PANEL, GAP, LINE = 6, 384, 16, 26
INK, GRAY, PAPER, MARK = (32, 33, 36), (95, 99, 104), (255, 255, 255), (255, 196, 0)


class Panel(NamedTuple):
    """A picture, and two lines under it."""

    picture: Image.Image
    title: str
    note: str


def panels() -> list[Panel]:
    """Fit the photograph, and return what is drawn."""
    pixels = data.astronaut()  # type: ignore[no-untyped-call]
    photograph = Image.fromarray(pixels)
    with tempfile.TemporaryDirectory() as folder:
        made = enas_inr.make(
            pixels,
            profile="smooth",
            objective="smallest",
            target_psnr_db=TARGET_DB,
            storage=f"{folder}/study.db",
            output=f"{folder}/model.inr",
        )
    model, fitted = made.fit.model, made.fit.metrics
    window = ((ROW, ROW + SIDE), (COLUMN, COLUMN + SIDE))
    rendered = model.render(window=window, scale=ZOOM, blend=True).values
    levels = ((rendered.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    content, psnr_db = as_jpeg(photograph, fitted["psnr_db"])
    jpeg = Image.open(io.BytesIO(content))
    grid, width = model.header.ensemble.grid, model.header.ensemble.width
    return [
        Panel(marked(photograph), "A photograph", f"{photograph.width} x {photograph.height}"),
        Panel(
            enlarged(photograph, Image.Resampling.NEAREST), "Its pixels", f"enlarged {ZOOM} times"
        ),
        Panel(
            enlarged(jpeg, Image.Resampling.BICUBIC),
            "JPEG, enlarged (bicubic)",
            f"{len(content) / 1000:.0f} kB, {psnr_db:.1f} dB",
        ),
        Panel(
            Image.fromarray(levels),
            f"The model: {grid} x {grid} networks, width {width}",
            f"{fitted['bytes'] / 1000:.0f} kB, {fitted['psnr_db']:.1f} dB",
        ),
    ]


def as_jpeg(photograph: Image.Image, least_db: float) -> tuple[bytes, float]:
    """Return the smallest JPEG of at least a PSNR, and its PSNR in dB."""
    exact = np.asarray(photograph, dtype=np.float64)
    for quality in range(50, 101):
        file = io.BytesIO()
        photograph.save(file, "JPEG", quality=quality)
        error = np.asarray(Image.open(file), dtype=np.float64) - exact
        psnr_db = 20 * np.log10(255 / np.sqrt(np.mean(error**2)))
        if psnr_db >= least_db:
            break
    return file.getvalue(), float(psnr_db)


def enlarged(picture: Image.Image, by: Image.Resampling) -> Image.Image:
    """Return the detail of a picture, enlarged."""
    box = (COLUMN, ROW, COLUMN + SIDE, ROW + SIDE)
    return picture.crop(box).resize((PANEL, PANEL), by)


def marked(photograph: Image.Image) -> Image.Image:
    """Return the photograph at the size of a panel, with a frame around the detail."""
    small = photograph.resize((PANEL, PANEL), Image.Resampling.LANCZOS)
    scale = PANEL / photograph.width
    corners = [v * scale for v in (COLUMN, ROW, COLUMN + SIDE, ROW + SIDE)]
    ImageDraw.Draw(small).rectangle(corners, outline=MARK, width=3)
    return small


def drawn(shown: list[Panel]) -> Image.Image:
    """Return the panels side by side, with their lines."""
    width = len(shown) * (PANEL + GAP) - GAP
    page = Image.new("RGB", (width, PANEL + 2 * LINE + 12), PAPER)
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 18)
    pen = ImageDraw.Draw(page)
    for number, panel in enumerate(shown):
        left = number * (PANEL + GAP)
        page.paste(panel.picture, (left, 0))
        pen.text((left, PANEL + 6), panel.title, INK, font)
        pen.text((left, PANEL + 6 + LINE), panel.note, GRAY, font)
    return page


if __name__ == "__main__":
    drawn(panels()).quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
