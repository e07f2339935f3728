"""Decode pictures with Pillow: those of 8 bits, in the formats that it reads."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any

import numpy as np
from PIL import BmpImagePlugin, ExifTags, Image, UnidentifiedImageError

from enas_inr.errors import SignalError, first_line, warn_once
from enas_inr.signals.levels import Numbers
from enas_inr.signals.pictures.colour import in_srgb, kept_profile
from enas_inr.signals.pictures.png import colour_chunks, nclx_chunks, png_depth
from enas_inr.signals.pictures.raster import (
    MAX_PAGES,
    Raster,
    check_bytes,
    check_pixels,
    damaged,
    likely_dpi,
)
from enas_inr.signals.pictures.stripping import without_metadata

_BITS_PER_SAMPLE, _SAMPLE_FORMAT, _COLORMAP, _SAMPLES_PER_PIXEL = 258, 339, 320, 277
_X_RESOLUTION = 282
_IMAGE_LENGTH, _STRIP_OFFSETS, _ROWS_PER_STRIP, _PLANAR, _SEPARATE = 257, 273, 278, 284, 2
_TRANSPARENT = ("1", "L", "RGB", "P")  # modes in which a colour may stand for transparency
_WITH_ALPHA = ("LA", "PA", "RGBA")
_CONVERTED = ("CMYK", "LAB")
_JPEG_END, _FILLING = b"\xff\xd9", 64
_AVIF_DEPTH = 0b01100000  # flags of av1C: more than 8 bits


def decode(content: bytes, kind: str, page: int | None, what: str) -> Raster | None:
    """Decode a picture.

    Args:
        content: the file.
        kind: its kind, one of `enas_inr.signals.pictures.kinds.PILLOW`.
        page: number of the picture in the file, from 1; None for the first one.
        what: name of the picture in messages.

    Returns:
        None for a TIFF that has more bits than Pillow keeps, or that it cannot read.

    Raises:
        SignalError: the file is damaged or too large, or has no such page.
    """
    with quiet():
        try:
            return _decode(content, kind, page, what)
        except SignalError:
            raise
        except Exception as error:  # the plugins of Pillow raise almost any error
            if kind == "TIFF":
                return None
            found = _rescued(content, kind, page, what)
            if found is None:
                raise _refusal(content, kind, error, what) from None
            warn_once(f"{what}: {found[1]}: {first_line(error)}")
            return found[0]


def _rescued(content: bytes, kind: str, page: int | None, what: str) -> tuple[Raster, str] | None:
    """Decode a damaged file that has all its pixels; return what was done as well."""
    said = "what it holds besides its pixels cannot be read and is left out"
    ways = [(without_metadata(content, kind), said)]
    if kind == "JPEG":
        ways.append((_with_end(content), "its end is missing after the last pixel"))
    for repaired, done in ways:
        if repaired is not None and repaired != content:
            with suppress(Exception):
                found = _decode(repaired, kind, page, what)
                if found is not None:
                    return found, done
    return None


def _with_end(content: bytes) -> bytes | None:
    """Return a JPEG with the marker of its end, if no pixel depends on what follows the content."""
    content = content.rstrip(b"\xff")
    decoded: list[Numbers] = []
    for filling in (b"\x55", b"\xaa"):
        with suppress(Exception):
            image = Image.open(BytesIO(content + filling * _FILLING + _JPEG_END), formats=("JPEG",))
            check_pixels(image.size, "")
            decoded.append(np.asarray(image))
    complete = len(decoded) == 2 and np.array_equal(decoded[0], decoded[1])
    return content + _JPEG_END if complete else None


def _header_size(content: bytes, kind: str) -> tuple[int, int] | None:
    """Return the width and height from the header, as Pillow sees them; None if it cannot."""
    with quiet(), suppress(Exception):
        # `Image.open` hides the size of an oversized image.
        Image.init()
        return Image.OPEN[kind][0](BytesIO(content), "").size
    return None


def _pages(image: Image.Image) -> int:
    """Return the number of pictures in an open file, counted up to a limit."""
    if image.format != "TIFF":
        return int(getattr(image, "n_frames", 1))
    pages, at = 1, image.tell()
    with suppress(EOFError):
        while pages <= MAX_PAGES:
            image.seek(pages)
            pages += 1
    image.seek(at)
    return pages


def choose_page(pages: int, page: int | None, what: str, first: int = 1) -> int:
    """Return the number of the picture to read, from 1; say so if there are others.

    Args:
        pages: number of pictures in the file.
        page: the one that is asked for, or None.
        what: name of the file in messages.
        first: the one to read if none is asked for.

    Raises:
        SignalError: there is no such page.
    """
    if page is None:
        if pages > 1:
            count = f"more than {MAX_PAGES}" if pages > MAX_PAGES else str(pages)
            warn_once(
                f"{what} holds {count} pictures, of which number {first} is read; choose another"
                " with --signal-option page=N"
            )
        return first
    if page > pages:
        raise SignalError(
            f"{what}: there is no page {page}, since it holds"
            f" {'1 picture' if pages == 1 else f'{pages} pictures'}",
            f"give page=1{'' if pages == 1 else f' to page={pages}'}",
        )
    return page


def _decode(content: bytes, kind: str, page: int | None, what: str) -> Raster | None:
    formats = (kind, "MPO") if kind == "JPEG" else (kind,)
    image: Image.Image = Image.open(BytesIO(content), formats=formats)
    check_pixels(image.size, what)
    chosen = choose_page(_pages(image), page, what)
    if chosen > 1:
        image.seek(chosen - 1)
        check_pixels(image.size, what)
    dpi = _dpi(image)
    if image.info.get("compression") in ("raw", BmpImagePlugin.BmpImageFile.COMPRESSIONS["RAW"]):
        check_bytes(image.size, content, 8, what)  # of 1 bit each, at the most
    if kind == "TIFF":
        _check_strips(image, what)
        if _is_deep(image):
            return None
        _say_channels(image, what)
    image.load()
    # Pillow has turned a TIFF.
    orientation = 1 if kind == "TIFF" else _orientation_in(image.getexif, what)
    if kind == "PNG":
        _scale_key(image, content)
    if kind == "AVIF" and _is_deep_avif(content):
        warn_once(f"{what} has more than 8 bits, of which Pillow keeps 8")
    profile = image.info.get("icc_profile") or b""
    if image.mode in _CONVERTED:
        return Raster(numbers_of(in_srgb(image, profile, what)), dpi=dpi, orientation=orientation)
    numbers = _palette(image) if kind == "TIFF" and image.mode == "P" else None
    if numbers is None:
        image, profile = kept_profile(image, profile, what)
        numbers = numbers_of(image)
    found = colour_chunks(content) if kind == "PNG" else {}
    if kind == "AVIF" and not profile:
        found = nclx_chunks(content)
    return Raster(numbers, profile=profile, dpi=dpi, chunks=found, orientation=orientation)


def numbers_of(image: Image.Image) -> Numbers:
    """Return a loaded image as gray, RGB or RGBA of 8 bits, or gray of 16."""
    mode = image.mode
    if mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)[..., None]
    if mode in ("La", "RGBa"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[mode])
        mode = image.mode
    if mode == "RGBA" or (mode == "RGB" and "transparency" not in image.info):
        return np.array(image)  # without the copy that a conversion makes
    if mode in _WITH_ALPHA or (mode in _TRANSPARENT and "transparency" in image.info):
        return np.array(image.convert("RGBA"))
    if mode in ("1", "L"):
        return np.array(image.convert("L"))[..., None]
    if mode in ("I", "F"):
        return np.array(image)[..., None]
    return np.array(image.convert("RGB"))


def _palette(image: Image.Image) -> Numbers | None:
    """Return the colours of a TIFF whose palette has more than 8 bits, which Pillow would cut."""
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    table = np.array(tags.get(_COLORMAP, ()), dtype=np.uint16)
    if not table.size or table.size % 3:
        return None
    table = table.reshape(3, -1).T
    if (table % 257 == 0).all() or (table % 256 == 0).all():
        return None
    found: Numbers = table[np.minimum(np.asarray(image), len(table) - 1)]
    return found


def _is_deep(image: Image.Image) -> bool:
    """Whether a TIFF has more than 8 bits, a sign or floats."""
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    bits, formats = tags.get(_BITS_PER_SAMPLE, (1,)), tags.get(_SAMPLE_FORMAT, (1,))
    return max(_tuple(bits)) > 8 or any(each not in (1, 4) for each in _tuple(formats))


def _check_strips(image: Image.Image, what: str) -> None:
    """Refuse a TIFF that says where only some of its rows are; Pillow would leave the others black.

    Raises:
        SignalError: strips are missing.
    """
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    rows = tags.get(_ROWS_PER_STRIP)
    if _STRIP_OFFSETS not in tags or not isinstance(rows, int) or rows < 1:
        return
    planes = int(tags.get(_SAMPLES_PER_PIXEL, 1)) if tags.get(_PLANAR) == _SEPARATE else 1
    needed = planes * math.ceil(tags[_IMAGE_LENGTH] / rows)
    stored = len(_tuple(tags[_STRIP_OFFSETS]))
    if stored < needed:
        raise damaged(what, f"it has {stored} of its {needed} strips of rows")


def _say_channels(image: Image.Image, what: str) -> None:
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    stored = int(tags.get(_SAMPLES_PER_PIXEL, 1))
    shown = len(image.getbands())
    if image.mode != "P" and stored > shown:
        read = ", ".join(image.getbands())
        warn_once(f"{what}: of its {stored} channels these are read: {read}")


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def orientation_of(exif: bytes, what: str) -> int:
    """Return the orientation in EXIF data, and 1 if they cannot be read, which is said."""

    def loaded() -> Image.Exif:
        found = Image.Exif()
        found.load(exif)
        return found

    return _orientation_in(loaded, what)


def _orientation_in(load: Callable[[], Image.Exif], what: str) -> int:
    try:
        found = load().get(ExifTags.Base.Orientation, 1)
    except Exception as error:  # Pillow raises various errors on damaged EXIF data
        warn_once(f"{what}: its EXIF data cannot be read and are left out: {first_line(error)}")
        return 1
    return found if isinstance(found, int) else 1


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Return the resolution; None if the file has none, or one that makes no sense."""
    if image.format == "TIFF" and _X_RESOLUTION not in image.tag_v2:  # type: ignore[attr-defined]
        return None
    try:
        across, down = (float(n) for n in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return likely_dpi(across, down)


def _scale_key(image: Image.Image, content: bytes) -> None:
    """Scale the transparent gray of a PNG of 2 or 4 bits as Pillow scales its pixels."""
    key, bits = image.info.get("transparency"), png_depth(content)
    if image.mode == "L" and isinstance(key, int) and bits in (2, 4):
        image.info["transparency"] = key * 255 // (2**bits - 1)


def _is_deep_avif(content: bytes) -> bool:
    start = content.find(b"av1C")
    return 0 <= start < len(content) - 6 and bool(content[start + 6] & _AVIF_DEPTH)


def _refusal(content: bytes, kind: str, error: Exception, what: str) -> SignalError:
    if isinstance(error, Image.DecompressionBombError):
        size = _header_size(content, kind)
        if size:
            try:
                check_pixels(size, what)
            except SignalError as refused:
                return refused
    if isinstance(error, UnidentifiedImageError):
        return SignalError(
            f"{what}: not an image, or a damaged one (it begins like {kind})",
            "check that the file is complete",
        )
    return damaged(what, error)


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the warnings of Pillow about large and damaged files; we raise or warn ourselves."""
    logger = logging.getLogger("PIL")
    level = logger.level if logger.level != logging.CRITICAL else logging.NOTSET  # of a thread
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
