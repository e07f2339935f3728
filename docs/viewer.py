"""Take the screenshots of docs/viewer.md: `python docs/viewer.py` (needs Chromium and playwright).

The model is fitted with the command that the page names; screenshots at 1x, 8x and 64x,
of a sound, and at a width of 420 pixels.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import enas_inr  # noqa: E402
from tests.viewer.browser import SETTLED, WAIT, browser  # noqa: E402

FOLDER = ROOT / "docs" / "images"
PHOTO: dict[str, Any] = {"size": "112x96", "grid": 8, "width": 24, "depth": 1, "steps": 300}
SOUND: dict[str, Any] = {"grid": 64, "width": 16, "depth": 1, "steps": 100}


def main() -> None:
    """Fit the models, and take the screenshots."""
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        photo, sound = Path(folder) / "photo", Path(folder) / "sound"
        enas_inr.fit("sample:photo", output=photo.with_suffix(".inr"), **PHOTO)
        enas_inr.fit("sample:chord", output=sound.with_suffix(".inr"), **SOUND)
        enas_inr.view(
            photo.with_suffix(".inr"), output=photo.with_suffix(".html"), original="sample:photo"
        )
        enas_inr.view(sound.with_suffix(".inr"), output=sound.with_suffix(".html"))
        shots = [
            ("viewer-1x", photo, 900, 620, "light", {"zoom": 1, "x": -390, "y": -150}),
            ("viewer", photo, 900, 620, "light", {}),
            ("viewer-8x", photo, 900, 620, "light", {"zoom": 8, "x": 20, "y": 10, "cells": True}),
            ("viewer-64x", photo, 900, 620, "dark", {"zoom": 64, "x": 50, "y": 40}),
            ("viewer-narrow", photo, 420, 760, "light", {}),
            ("viewer-sound", sound, 900, 420, "light", {}),
        ]
        for name, page_of, width, height, scheme, changes in shots:
            page = chromium.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(page_of.with_suffix(".html").as_uri())
            page.wait_for_function(WAIT)
            page.evaluate(SETTLED, changes)
            page.screenshot(path=str(FOLDER / f"{name}.png"))
            page.close()


if __name__ == "__main__":
    main()
