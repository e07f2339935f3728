"""Read and write the pages of a TIFF file as the slices of a volume."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from enas_inr.errors import SignalError, first_line
from enas_inr.signals.levels import Numbers

_MODES = {"L": "uint8", "I;16": "uint16", "I;16B": "uint16", "I": "int32", "F": "float32"}
_WRITTEN = {"uint8": "L", "uint16": "I;16", "int32": "I", "float32": "F"}


def load(path: Path) -> Numbers:
    """Read the gray pages of a file: `pages rows columns`.

    Raises:
        SignalError: the file is not TIFF or is damaged, or its pages are coloured or of several
            sizes.
    """
    what = repr(str(path))
    pages = []
    try:
        with Image.open(path, formats=["TIFF"]) as image:
            for page in ImageSequence.Iterator(image):
                if page.mode not in _MODES:
                    raise SignalError(
                        f"{what} has pages of the mode {page.mode}", "give gray pages"
                    )
                pages.append(np.asarray(page).astype(_MODES[page.mode]))
    except SignalError:
        raise
    except Exception as error:  # Pillow raises various errors on damaged files
        raise SignalError(
            f"{what} is not a TIFF file or is damaged: {first_line(error)}",
            "give a complete .tif file",
        ) from None
    shapes = {page.shape for page in pages}
    if len(shapes) > 1:
        sizes = ", ".join("x".join(map(str, shape[::-1])) for shape in sorted(shapes)[:4])
        raise SignalError(f"{what} has pages of several sizes ({sizes})", "give pages of one size")
    return np.stack(pages)


def dump(numbers: Numbers) -> bytes:
    """Return the content of a file.

    Args:
        numbers: pages, rows, columns.

    Raises:
        ValueError: TIFF files of this program do not hold numbers of this type.
    """
    name = numbers.dtype.name
    if name not in _WRITTEN:
        raise ValueError(f"pages of {name}; TIFF is written of {', '.join(_WRITTEN)}")
    pages = [Image.fromarray(np.ascontiguousarray(page)) for page in numbers]
    buffer = BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    return buffer.getvalue()
