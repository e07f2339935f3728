"""Draw images/hero.png: a photograph, and a detail of it as pixels, as JPEG and as a model.

`python docs/hero.py` searches, fits and draws, in about two minutes. The figures under the picture
are those of this run.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from panels import MARK, PANEL, Panel, as_jpeg, as_picture, drawn
from PIL import Image, ImageDraw
from skimage import data

import enas_inr

PICTURE = Path(__file__).parent / "images" / "hero.png"
TARGET_DB = 36.0
ROW, COLUMN, SIDE = 85, 190, 64  # the detail, in pixels of the photograph
ZOOM = 6


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
            as_picture(rendered),
            f"The model: {grid} x {grid} networks, width {width}",
            f"{fitted['bytes'] / 1000:.0f} kB, {fitted['psnr_db']:.1f} dB",
        ),
    ]


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


if __name__ == "__main__":
    drawn(panels()).quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
