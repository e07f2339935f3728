"""Decode a picture file, with the library that keeps all its bits."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PIL import ExifTags, Image

from enas_inr.errors import SignalError, warn_once
from enas_inr.signals.pictures import deep_reading, heif_reading, pillow_reading
from enas_inr.signals.pictures.kinds import DEEP, HEIF, PILLOW, SUFFIXES, kind_of, words_for
from enas_inr.signals.pictures.png import png_depth
from enas_inr.signals.pictures.raster import ON_THEIR_SIDE, Raster

LARGEST_FILE = 2**32
"""Bytes; larger files are refused before they are read."""

_READ_WORDS = "PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, HEIC, EXR, HDR, JPEG XL, JPEG 2000 or PNM"
_BEGINNING = 4096  # bytes
_WIDTH, _HEIGHT = ExifTags.Base.ImageWidth, ExifTags.Base.ImageLength


def decode(content: bytes, page: int | None, path: Path) -> Raster:
    """Decode a picture, and turn it upright.

    Its content decides how it is read; if the suffix promises another kind, that is said.

    Args:
        content: the file.
        page: number of the picture in a file of several, from 1; None for the first one, and a
            line that there are others.
        path: its path, for messages and its suffix.

    Raises:
        SignalError: the file is not a picture, is damaged or too large, has no such page, or holds
            more than can be kept.
    """
    what = repr(str(path))
    kind = kind_of(content)
    if kind is None:
        words = words_for(content)
        raise SignalError(
            f"{what}: not an image, but {words}" if words else f"{what}: not an image, or damaged",
            f"give a {_READ_WORDS} file",
        )
    promised = SUFFIXES.get(path.suffix.lower(), kind)
    if kind != promised:
        warn_once(f"{what} holds {kind}, not {promised}, and is read as that")
    return _decoded(kind, content, page, what).upright()


def _decoded(kind: str, content: bytes, page: int | None, what: str) -> Raster:
    if kind == HEIF:
        return heif_reading.decode(content, page, what)
    if kind in DEEP or (kind == "PNG" and png_depth(content) == 16):
        return deep_reading.decode(content, kind, page, what)
    return pillow_reading.decode(content, kind, page, what) or deep_reading.decode(
        content, kind, page, what
    )


def size_of(path: Path) -> tuple[int, int] | None:
    """Return the width and height of a picture file from its header alone; None if it has none."""
    with suppress(Exception):
        if not path.is_file():
            return None  # a pipe, which can be read only once
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
        kind = kind_of(beginning)
        if kind == HEIF:
            return heif_reading.size_of(path.read_bytes())
        if kind in DEEP:
            return deep_reading.header_size(path)
        with pillow_reading.quiet(), Image.open(path, formats=[*PILLOW, "MPO"]) as image:
            return _upright_size(image)
    return None


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    if image.format == "TIFF":  # whose sides Pillow may have exchanged already
        tags = image.tag_v2  # type: ignore[attr-defined]
        width, height = int(tags[_WIDTH]), int(tags[_HEIGHT])
    turned = 1
    with suppress(Exception):  # damaged EXIF data
        turned = image.getexif().get(ExifTags.Base.Orientation, 1)
    return (height, width) if turned in ON_THEIR_SIDE else (width, height)
