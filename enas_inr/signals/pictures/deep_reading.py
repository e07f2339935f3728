"""Decode pictures with OpenImageIO: those of more than 8 bits, of floats, and in other formats."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from enas_inr.errors import SignalError, warn_once
from enas_inr.signals.levels import Numbers
from enas_inr.signals.pictures.colour import suitable_profile
from enas_inr.signals.pictures.pillow_reading import choose_page, orientation_of
from enas_inr.signals.pictures.png import (
    check_png,
    colour_chunks,
    png_dpi,
    png_exif,
    png_frames,
    png_profile,
    to_chrm,
)
from enas_inr.signals.pictures.raster import (
    MAX_PAGES,
    ON_THEIR_SIDE,
    Raster,
    check_bytes,
    check_pixels,
    damaged,
    likely_dpi,
    not_premultiplied,
)
from enas_inr.signals.pictures.stripping import without_metadata

_SUFFIXES = {
    "PNG": ".png",
    "TIFF": ".tif",
    "EXR": ".exr",
    "HDR": ".hdr",
    "JXL": ".jxl",
    "JP2": ".jp2",
    "PNM": ".pnm",
}
_MIN_IS_WHITE, _RGB = 0, 2  # photometric interpretations of a TIFF
_IS_GRAY = (_MIN_IS_WHITE, 1)
_PIXELS_PER_BYTE = {"PNM": 8, "HDR": 64}  # at the most: bits, and runs of 127 in two bytes
_GRAY = ("Y", "I", "L")
_PREMULTIPLIED = ("EXR", "TIFF")  # kinds in which colours may be multiplied by alpha
_SHORTEST = 256  # bytes; OpenImageIO takes a shorter JPEG XL for a damaged one
_HEADER = 2**16  # bytes in which that of a Radiance file ends
_REC_709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)  # primaries and white
_CM_PER_INCH = 2.54


def decode(content: bytes, kind: str, page: int | None, what: str) -> Raster:
    """Decode a picture.

    Args:
        content: the file.
        kind: its kind, as named by `enas_inr.signals.pictures.kinds`.
        page: number of the picture in the file, from 1; None for the first one.
        what: name of the picture in messages.

    Raises:
        SignalError: the file is damaged or too large, has no such page, or stores other channels.
    """
    try:
        return _decode(content, kind, page, what)
    except SignalError:
        raise
    except Exception as error:  # such as texts in the file that are no UTF-8
        raise damaged(what, error) from None


def _decode(content: bytes, kind: str, page: int | None, what: str) -> Raster:
    pixels = content
    if kind == "PNG":  # its metadata are read here, since libpng prints its complaints about them
        pixels = without_metadata(content, kind) or content
        check_png(pixels, what)
    with _opened(pixels, kind, what) as file:
        pages = png_frames(content) if kind == "PNG" else _pages(file)
        chosen = choose_page(pages, page, what)
        if kind == "PNG" and chosen > 1:
            raise SignalError(
                f"{what}: of an animation of 16 bits only the first picture is read", "give page=1"
            )
        if not file.seek_subimage(chosen - 1, 0):
            raise damaged(what, _said(file))
        spec = file.spec()
        check_pixels((spec.width, spec.height), what)
        check_bytes((spec.width, spec.height), content, _per_byte(spec, kind), what)
        if spec.deep:
            raise SignalError(f"{what} holds deep pixels of many samples", "flatten it first")
        begin, count = _channels(spec, what)
        numbers = file.read_image(chosen - 1, 0, begin, begin + count, _native())
        if numbers is None:
            raise damaged(what, _said(file))
        return _raster(np.asarray(numbers), spec, content, kind, what)


def _said(source: Any) -> str:
    """Return the error of a file, or of the library, and clear it."""
    try:
        return str(source.geterror())
    except UnicodeDecodeError:  # it quotes the file
        return ""


def header_size(path: Path) -> tuple[int, int] | None:
    """Return the width and height from the header of a file; None if it cannot be read."""
    import OpenImageIO

    file = OpenImageIO.ImageInput.open(str(path))
    if file is None:
        _said(OpenImageIO)  # which clears it
        return None
    spec = file.spec()
    file.close()
    turned = spec.get_int_attribute("Orientation", 1) in ON_THEIR_SIDE
    return (spec.height, spec.width) if turned else (spec.width, spec.height)


@contextmanager
def _opened(content: bytes, kind: str, what: str) -> Iterator[Any]:
    """Open a file by its kind, for which OpenImageIO needs a path with the suffix of the kind."""
    import OpenImageIO

    hints = OpenImageIO.ImageSpec()
    hints.attribute("oiio:UnassociatedAlpha", 1)  # or it would multiply colours by alpha
    with TemporaryDirectory(prefix="enas-inr-") as folder:
        path = Path(folder, "picture" + _SUFFIXES[kind])
        path.write_bytes(content.ljust(_SHORTEST, b"\0") if kind == "JXL" else content)
        file = OpenImageIO.ImageInput.open(str(path), hints)
        if file is None:
            raise damaged(what, _said(OpenImageIO))
        try:
            yield file
        finally:
            file.close()


def _native() -> Any:
    import OpenImageIO

    return OpenImageIO.UNKNOWN


def _pages(file: Any) -> int:
    told = int(file.spec().get_int_attribute("oiio:subimages", 0))
    pages = max(1, told)
    while not told and pages <= MAX_PAGES and file.seek_subimage(pages, 0):
        pages += 1
    _said(file)  # that there is no further one
    return pages


def _per_byte(spec: Any, kind: str) -> float:
    """Return the largest number of pixels that one byte of a file can hold."""
    if kind == "TIFF" and spec.get_string_attribute("compression") == "none":
        return _PIXELS_PER_BYTE["PNM"]
    return _PIXELS_PER_BYTE.get(kind, math.inf)


def _channels(spec: Any, what: str) -> tuple[int, int]:
    """Return the first channel to read and their number: gray or colours, then alpha.

    Raises:
        SignalError: there is no gray, and no red, green and blue beside each other.
    """
    names = tuple(spec.channelnames)
    found = _named(names)
    interpretation = spec.get_int_attribute("tiff:PhotometricInterpretation", -1)
    # OpenImageIO calls the first channels of any TIFF red, green and blue.
    wrong = len(names) > 3 if interpretation in _IS_GRAY else len(names) < 3
    if found is None or (wrong and interpretation in (*_IS_GRAY, _RGB)):
        raise SignalError(
            f"{what} has {len(names)} channels: {', '.join(names[:6])}",
            "give a picture that is gray, RGB or RGBA",
        )
    if sum(found) - found[0] < len(names):
        read = names[found[0] : sum(found)]
        warn_once(f"{what}: of its {len(names)} channels these are read: {', '.join(read)}")
    return found


def _named(names: tuple[str, ...]) -> tuple[int, int] | None:
    upper = tuple(name.upper() for name in names)
    layers = dict.fromkeys(name.rpartition(".")[0] for name in upper if name.endswith(".R"))
    for layer in ("", *(f"{layer}." for layer in layers)):
        for wanted in ("RGBA", "RGB"):
            among = tuple(layer + letter for letter in wanted)
            for begin in range(len(names) - len(wanted) + 1):
                if upper[begin : begin + len(wanted)] == among:
                    return begin, len(wanted)
    for begin, name in enumerate(upper):
        if name in _GRAY:
            return begin, 2 if upper[begin + 1 : begin + 2] == ("A",) else 1
    return (0, 1) if len(names) == 1 else None


def _raster(numbers: Numbers, spec: Any, content: bytes, kind: str, what: str) -> Raster:
    """Return a picture with its metadata, with gray and alpha as RGBA."""
    if numbers.ndim == 2:
        numbers = numbers[..., None]
    if kind == "TIFF":
        numbers = _usual_levels(numbers, spec, what)
    if kind == "HDR":
        numbers = numbers / _exposure(content)
    if numbers.shape[-1] == 2:
        numbers = np.concatenate([numbers[..., :1].repeat(3, axis=-1), numbers[..., 1:]], axis=-1)
    premultiplied = (
        kind in _PREMULTIPLIED
        and numbers.shape[-1] == 4
        and not spec.get_int_attribute("oiio:UnassociatedAlpha", 0)
    )
    if premultiplied and numbers.dtype.kind == "u":
        numbers, premultiplied = not_premultiplied(numbers), False
    if (spec.full_width, spec.full_height) != (spec.width, spec.height):
        warn_once(
            f"{what}: the {spec.width}x{spec.height} stored pixels are read, of a picture of"
            f" {spec.full_width}x{spec.full_height}"
        )
    return Raster(
        numbers,
        premultiplied=premultiplied,
        profile=suitable_profile(
            png_profile(content) if kind == "PNG" else _stored_profile(spec),
            "L" if numbers.shape[-1] == 1 else "RGB",
            what,
        ),
        dpi=png_dpi(content) if kind == "PNG" else _dpi(spec, kind),
        chunks=colour_chunks(content) if kind == "PNG" else _primaries(spec),
        orientation=_orientation(spec, content, kind, what),
    )


def _orientation(spec: Any, content: bytes, kind: str, what: str) -> int:
    if kind == "PNG":
        exif = png_exif(content)
        return orientation_of(exif, what) if exif else 1
    if kind == "JXL":  # which its decoder has turned
        return 1
    return int(spec.get_int_attribute("Orientation", 1))


def _usual_levels(numbers: Numbers, spec: Any, what: str) -> Numbers:
    """Turn white-is-zero, and say what OpenImageIO has converted."""
    space = spec.get_string_attribute("tiff:ColorSpace")
    bits = spec.get_int_attribute("oiio:BitsPerSample", 8)
    if space == "palette" and bits > 8:
        raise SignalError(f"{what} has a palette of {bits} bits", "convert it to RGB first")
    if space not in ("", "palette", "CMYK") and bits > 8:  # which become 8
        raise SignalError(f"{what} holds {space} of {bits} bits", "convert it to RGB first")
    if space not in ("", "palette"):
        warn_once(f"{what}: {space} is converted to RGB without its colour profile")
    interpretation = spec.get_int_attribute("tiff:PhotometricInterpretation", 1)
    if interpretation != _MIN_IS_WHITE or numbers.dtype == np.uint8:  # which OpenImageIO turns
        return numbers
    made = numbers.copy()
    # Of integers, the smallest becomes the largest; of floats, 0 becomes 1.
    made[..., 0] = 1 - numbers[..., 0] if numbers.dtype.kind == "f" else ~numbers[..., 0]
    return made


def _exposure(content: bytes) -> np.float32:
    """Return the factor by which a Radiance file says that its numbers were multiplied."""
    factor = 1.0
    for line in content[:_HEADER].partition(b"\n\n")[0].splitlines():
        name, _, text = line.partition(b"=")
        if name.strip() == b"EXPOSURE":
            try:
                factor *= float(text)
            except ValueError:
                continue
    return np.float32(factor if math.isfinite(factor) and factor > 0 else 1)


def _primaries(spec: Any) -> dict[str, bytes]:
    """Return the primaries of an EXR as the chunk of a PNG; empty for the usual ones."""
    found = spec.getattribute("chromaticities")
    if not (isinstance(found, tuple) and len(found) == len(_REC_709) and np.isfinite(found).all()):
        return {}
    return {} if np.allclose(found, _REC_709, atol=1e-3) else to_chrm(found)


def _stored_profile(spec: Any) -> bytes:
    found = spec.getattribute("ICCProfile")
    return b"" if found is None else bytes(np.asarray(found, dtype=np.uint8))


def _dpi(spec: Any, kind: str) -> tuple[float, float] | None:
    across = spec.get_float_attribute("XResolution", 0)
    down = spec.get_float_attribute("YResolution", 0)
    unit = spec.get_string_attribute("ResolutionUnit")
    factor = {"in": 1.0, "inch": 1.0, "cm": _CM_PER_INCH, "m": _CM_PER_INCH / 100}.get(unit)
    if factor is None or kind == "EXR":
        return None
    return likely_dpi(across * factor, down * factor)
