"""Images: PNG, JPEG, WebP, TIFF and BMP, read and written with Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from enas_inr.errors import SignalError
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.signals.options import ImageOptions
from enas_inr.signals.signal import Modality, Signal, check_values

MAX_PIXELS = 100_000_000
"""Larger images are refused before they are decoded."""

_READ = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_READ_WORDS = "PNG, JPEG, WebP, TIFF or BMP"
_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
_SAVE: Mapping[str, Mapping[str, Any]] = {
    "JPEG": {"quality": 95},
    "WEBP": {"lossless": True, "exact": True},
}
_WITHOUT_ALPHA = ("JPEG", "BMP")
_WITH_16_BITS = ("PNG", "TIFF")
_KEPT = ("L", "RGB", "RGBA")
_TO_RGBA = ("LA", "La", "RGBa", "PA")
_ON_THEIR_SIDE = (5, 6, 7, 8)  # orientations of EXIF
_BAND = 128  # rows
_HALF_RANGE = {True: 32767.5, False: 127.5}  # by "has 16 bits": levels [0, 2 * half] become [-1, 1]


class ImageModality(Modality):
    """Still images: values `[rows, columns, channels]`.

    Gray, RGB, RGBA and 16-bit gray are kept (`meta["mode"]` is L, RGB, RGBA or I;16). Gray with
    alpha becomes RGBA, a palette becomes RGB or RGBA, one-bit images become gray, and everything
    else becomes RGB. The EXIF orientation is applied. Only the first of several frames is read.

    Args:
        options: `size` resizes with Pillow's antialiased bilinear filter, at the file's own depth
            before the conversion to float32, as the paper's code does.
    """

    def __init__(self, options: ImageOptions = ImageOptions()) -> None:
        self._size = options.size

    def read(self, path: Path) -> Signal:
        """Read an image of at most 100 million pixels, both before and after resizing.

        Raises:
            SignalError: the file cannot be read, is not an image, or is damaged or too large.
        """
        what = repr(str(path))
        content = read_bytes(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about large and damaged files; we raise
            image = _open(content, what)
            _check_pixels(image.size, what)
            if self._size:
                _check_pixels(self._size, f"{what} resized")
            image, mode = _decode(image, what)
        if self._size and self._size != image.size:
            image = image.resize(self._size, Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(image, dtype=np.float32))
        values = pixels.div_(_HALF_RANGE[mode == "I;16"]).sub_(1)
        if mode in ("L", "I;16"):
            values = values.unsqueeze(-1)
        return Signal(values, modality="image", name=path.stem, meta={"mode": mode})

    def write(self, signal: Signal, path: Path) -> None:
        """Write an image, clamped to [-1, 1] and rounded to the nearest level.

        PNG, TIFF, BMP and WebP are written without loss, JPEG with quality 95. PNG and TIFF keep
        16 bits; other formats get 8-bit gray instead.

        Raises:
            SignalError: the suffix is unknown, the format cannot hold the signal, or the file
                cannot be written.
        """
        what = repr(str(path))
        name = _FORMATS.get(path.suffix.lower())
        if name is None:
            raise SignalError(
                f"{what}: cannot write images as {path.suffix!r}",
                f"use one of: {', '.join(sorted(_FORMATS))}",
            )
        image = to_pillow(signal, name, what)
        buffer = BytesIO()
        try:
            image.save(buffer, name, **_SAVE.get(name, {}))
        except Exception as error:  # encoders raise various errors, for example on too many pixels
            raise SignalError(
                f"{what}: {image.width}x{image.height} pixels cannot be written as {name}:"
                f" {error or type(error).__name__}",
                "use .png",
            ) from None
        replace_bytes(path, buffer.getvalue())


def size_of(path: Path) -> tuple[int, int] | None:
    """Return the width and height of an image file from its header alone; None if it has none."""
    with warnings.catch_warnings(), suppress(Exception), Image.open(path, formats=_READ) as image:
        warnings.simplefilter("ignore")
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in _ON_THEIR_SIDE
        return (image.height, image.width) if turned else image.size
    return None


def to_pillow(signal: Signal, name: str, what: str) -> Image.Image:
    """Clamp an image to [-1, 1] and round it to the levels that a format holds.

    Args:
        signal: rows, columns and 1, 3 or 4 channels.
        name: format, as named by Pillow. PNG and TIFF keep 16 bits (mode I;16).
        what: name of the signal in error messages.

    Raises:
        SignalError: the format cannot hold the signal.
    """
    values = signal.values.detach().cpu()
    if values.ndim != 3 or values.shape[-1] not in (1, 3, 4):
        raise SignalError(
            f"{what}: a signal of shape {tuple(values.shape)} is not an image",
            "give rows, columns and 1, 3 or 4 channels",
        )
    check_values(values, what)
    if values.shape[-1] == 4 and name in _WITHOUT_ALPHA:
        raise SignalError(f"{what}: {name} has no transparency (the image is RGBA)", "use .png")
    deep = signal.meta.get("mode") == "I;16" and values.shape[-1] == 1 and name in _WITH_16_BITS
    pixels = np.empty(tuple(values.shape), dtype=np.uint16 if deep else np.uint8)
    for start in range(
        0, len(values), _BAND
    ):  # in place: a large picture needs no second copy in floats
        band = values[start : start + _BAND].float()
        pixels[start : start + _BAND] = band.clamp(-1, 1).add(1).mul(_HALF_RANGE[deep]).round()
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _open(content: bytes, what: str) -> Image.Image:
    """Open an image and read only its header."""
    try:
        return Image.open(BytesIO(content), formats=_READ)
    except Image.DecompressionBombError as error:
        size = _declared_size(content)
        if size:
            _check_pixels(size, what)
        raise _damaged(what, error) from None
    except UnidentifiedImageError:
        raise SignalError(
            f"{what}: not an image, or a damaged one", f"give a {_READ_WORDS} file"
        ) from None
    except Exception as error:  # the plugins of Pillow raise almost any error on a damaged header
        raise _damaged(what, error) from None


def _declared_size(content: bytes) -> tuple[int, int] | None:
    """Ask Pillow's plugins directly, since `Image.open` hides the size of an oversized image."""
    for name in _READ:
        with suppress(Exception):
            return Image.OPEN[name][0](BytesIO(content), "").size
    return None


def _check_pixels(size: tuple[int, int], what: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise SignalError(
            f"{what}: {width}x{height} is {width * height / 1e6:.0f} million pixels,"
            f" the limit is {MAX_PIXELS // 10**6} million",
            "make it smaller first",
        )


def _decode(image: Image.Image, what: str) -> tuple[Image.Image, str]:
    """Decode, apply the orientation, and convert to L, RGB, RGBA or F (for I;16)."""
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        mode = _mode(image, what)
        if mode == "I;16":  # as floats, which handles any byte order and resizes without rounding
            return Image.fromarray(np.asarray(image).astype(np.float32)), mode
        return image.convert(mode), mode
    except SignalError:
        raise
    except Exception as error:  # as in _open
        raise _damaged(what, error) from None


def _mode(image: Image.Image, what: str) -> str:
    if image.mode in _KEPT:
        return image.mode
    if image.mode.startswith("I;16"):
        return "I;16"
    if image.mode in ("I", "F"):  # the range is not known; Pillow would clip to 0...255
        raise SignalError(f"{what}: has 32 bits per pixel", "convert it to 8 or 16 bits first")
    if image.mode == "1":
        return "L"
    transparent = image.mode in _TO_RGBA or (image.mode == "P" and "transparency" in image.info)
    return "RGBA" if transparent else "RGB"


def _damaged(what: str, error: Exception) -> SignalError:
    return SignalError(
        f"{what}: the image cannot be decoded: {error or type(error).__name__}",
        "check that the file is complete",
    )
