"""Decode HEIC and HEIF, the photographs of telephones, with pillow-heif (extra `heif`)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from enas_inr.errors import SignalError
from enas_inr.signals.levels import Numbers
from enas_inr.signals.pictures.colour import suitable_profile
from enas_inr.signals.pictures.pillow_reading import choose_page
from enas_inr.signals.pictures.png import nclx_chunks
from enas_inr.signals.pictures.raster import Raster, check_pixels, damaged


def decode(content: bytes, page: int | None, what: str) -> Raster:
    """Decode a picture, turned upright as its file says; 10 and 12 bits become 16.

    Args:
        content: the file.
        page: number of the picture in the file, from 1; None for the primary one.
        what: name of the picture in messages.

    Raises:
        SignalError: pillow-heif is not installed, the file is damaged or too large, or it has no
            such page.
    """
    file = _opened(content, what)
    try:
        return _decode(content, file, page, what)
    except SignalError:
        raise
    except Exception as error:  # libheif raises various errors
        raise damaged(what, error) from None


def _decode(content: bytes, file: Any, page: int | None, what: str) -> Raster:
    chosen = choose_page(len(file), page, what, first=file.primary_index + 1)
    image = file[chosen - 1]
    check_pixels(image.size, what)
    numbers = np.asarray(image)
    profile = image.info.get("icc_profile") or b""
    numbers = _full_range(numbers, image.info.get("bit_depth", 8))
    profile = suitable_profile(profile, "L" if numbers.shape[-1] == 1 else "RGB", what)
    return Raster(numbers, profile=profile, chunks={} if profile else nclx_chunks(content))


def size_of(content: bytes) -> tuple[int, int]:
    """Return the width and height of the primary picture."""
    width, height = _opened(content, "the picture").size
    return width, height


def _opened(content: bytes, what: str) -> Any:
    try:
        import pillow_heif
    except ImportError:
        raise SignalError(
            f"{what} is a HEIF picture, which pillow-heif reads",
            "install the extra: pip install 'enas-inr[heif]'",
        ) from None
    try:
        return pillow_heif.open_heif(BytesIO(content), convert_hdr_to_8bit=False, bgr_mode=False)
    except Exception as error:
        raise damaged(what, error) from None


def _full_range(numbers: Numbers, bits: int) -> Numbers:
    """Return gray, RGB or RGBA; libheif stores 10 and 12 bits as the upper ones of 16."""
    if numbers.ndim == 2:
        numbers = numbers[..., None]
    if numbers.dtype != np.uint16 or bits >= 16:
        return np.ascontiguousarray(numbers)
    top = 2**bits - 1
    levels = (numbers >> (16 - bits)).astype(np.uint32)
    full: Numbers = ((levels * 65535 + top // 2) // top).astype(np.uint16)
    return full
