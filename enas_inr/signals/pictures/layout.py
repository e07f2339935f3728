"""How a format stores a picture: the type of its numbers, its metadata, and what is lost."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import JsonValue

from enas_inr.signals.levels import Levels, Numbers
from enas_inr.signals.pictures.colour import mode_of, profile_from
from enas_inr.signals.pictures.png import COLOUR_CHUNKS, METRES_PER_INCH
from enas_inr.signals.pictures.raster import divided, likely_dpi
from enas_inr.signals.signal import Signal

_WITH_PREMULTIPLIED = ("EXR", "TIFF")
_TYPES: Mapping[str, tuple[str, ...]] = {
    "PNG": ("uint8", "uint16"),
    "TIFF": ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"),
    "EXR": ("float16", "float32"),
    "HDR": ("float32",),
}
_OIIO_TYPES = {
    "uint8": "uint8", "int8": "int8", "uint16": "uint16", "int16": "int16", "uint32": "uint",
    "int32": "int", "float16": "half", "float32": "float", "float64": "double",
}  # fmt: skip
_WITH_PROFILE = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")
_WITH_DPI = ("PNG", "JPEG", "TIFF", "BMP")
_RADIANCE_DIGITS = "8 bits for each colour and one exponent"
_NO_DATE = "1970:01:01 00:00:00"  # so that equal pictures have equal files


@dataclass(frozen=True)
class Tags:
    """The metadata of a picture that its file holds.

    Attributes:
        profile: ICC profile; empty if there is none.
        dpi: pixels per inch along the columns and along the rows; None if unknown.
        chunks: chunks of a PNG about its colours.
    """

    profile: bytes
    dpi: tuple[float, float] | None
    chunks: Mapping[str, bytes]


@dataclass(frozen=True)
class PictureLayout:
    """How a format stores a picture.

    Attributes:
        name: the format.
        levels: the levels of the original.
        stored: those of the file.
        premultiplied: whether the colours of the original are multiplied by alpha.
        tags: the metadata.
        lost: what the format cannot hold, in words.
    """

    name: str
    levels: Levels
    stored: Levels
    premultiplied: bool
    tags: Tags
    lost: tuple[str, ...]

    @classmethod
    def of(cls, signal: Signal, name: str) -> PictureLayout:
        """Return how a format stores a picture, of which only the shape and `meta` matter."""
        levels = Levels.from_meta(signal.meta)
        stored = _stored(levels, name)
        tags, missing = _tags(signal, name)
        lost = (*_lost(levels, stored, name), *missing)
        return cls(name, levels, stored, is_premultiplied(signal), tags, lost)

    def numbers(self, signal: Signal) -> Numbers:
        """Return the numbers to store of a picture, or of some of its rows."""
        return _numbers(signal, self.levels, self.stored, self.name)

    def spec(self, rows: int, columns: int, channels: int) -> Any:
        """Return the description of the file for OpenImageIO."""
        import OpenImageIO

        tags = self.tags
        spec = OpenImageIO.ImageSpec(columns, rows, channels, _OIIO_TYPES[self.stored.dtype])
        if channels == 1:
            spec.channelnames = ("Y",)
        spec.attribute("DateTime", _NO_DATE)
        if self.name == "TIFF":
            spec.attribute("compression", "none")  # as Pillow; few programs read deflated floats
        if not (self.premultiplied and self.name in _WITH_PREMULTIPLIED):
            spec.attribute("oiio:UnassociatedAlpha", 1)
        if tags.profile and self.name == "TIFF":
            kind = OpenImageIO.TypeDesc(f"uint8[{len(tags.profile)}]")
            spec.attribute("ICCProfile", kind, np.frombuffer(tags.profile, np.uint8))
        if tags.dpi and self.name == "TIFF":
            spec.attribute("XResolution", tags.dpi[0])
            spec.attribute("YResolution", tags.dpi[1])
            spec.attribute("PixelAspectRatio", tags.dpi[1] / tags.dpi[0])
            spec.attribute("ResolutionUnit", "in")
        return spec


def is_premultiplied(signal: Signal) -> bool:
    """Whether the colours of a picture are multiplied by alpha."""
    return signal.meta.get("premultiplied") is True


def _straight(levels: Levels) -> Levels:
    """Return levels that suit colours which are divided by alpha, and so become larger."""
    return replace(levels, low=min(levels.low, 0.0), high=max(levels.high, 1.0))


def _stored(levels: Levels, name: str) -> Levels:
    """Return the levels in which a format stores a picture."""
    types = _TYPES.get(name, ("uint8",))
    if levels.dtype in types:
        return levels
    if name in ("EXR", "HDR"):
        if levels.is_float:
            return replace(levels, dtype="float32")
        short = "float16" if levels.is_8_bit and name == "EXR" else "float32"
        by_type = levels == Levels.of_type(levels.dtype)
        return Levels.of_type(short) if by_type else replace(levels, dtype="float32")
    if name == "TIFF":
        return replace(levels, dtype="float32")  # of float16
    return Levels.of_type("uint16" if "uint16" in types else "uint8")


def _lost(levels: Levels, stored: Levels, name: str) -> Iterator[str]:
    usual = levels == Levels.of_type(levels.dtype)
    ranged = "" if usual else f" from {levels.low:g} to {levels.high:g}"
    if stored.is_float and not levels.is_float:
        yield (
            f"{levels.words}{ranged} become floats from {stored.low:g} to {stored.high:g}, without"
            " a change of their transfer function"
        )
    elif levels.is_float and not stored.is_float:
        yield f"{levels.words}{ranged} becomes levels of {stored.words} (.tif and .exr keep it)"
    elif (levels.dtype, levels.low, levels.high) != (stored.dtype, stored.low, stored.high):
        if not stored.is_float:
            keep = ".png and .tif keep" if levels.dtype == "uint16" else ".tif keeps"
            yield f"{levels.words}{ranged} become levels of {stored.words} ({keep} them)"
        elif levels.dtype == "float64":
            yield "float64 becomes float32 (.tif keeps it)"
    if name == "HDR":
        yield f"Radiance keeps {_RADIANCE_DIGITS} (.exr and .tif keep more)"


def _numbers(signal: Signal, levels: Levels, stored: Levels, name: str) -> Numbers:
    """Return the numbers to store, with alpha as the format has it."""
    values = signal.values.detach().cpu()
    if values.shape[-1] < 4:
        return stored.numbers(values)
    colours = values[..., :3]
    if is_premultiplied(signal) and name not in _WITH_PREMULTIPLIED:
        floats = replace(levels, dtype="float32")
        share = Levels.of_type("float32").numbers(values[..., 3:])
        colours = _straight(floats).values(divided(floats.numbers(colours), share))
    alpha = Levels.of_type(stored.dtype).numbers(values[..., 3:])
    return np.concatenate([stored.numbers(colours), alpha], axis=-1)


def _tags(signal: Signal, name: str) -> tuple[Tags, list[str]]:
    """Return the metadata that the format holds, and what is lost of them."""
    lost = []
    profile = profile_from(signal.meta)
    fits = mode_of(profile) == ("L" if signal.values.shape[-1] == 1 and name != "WEBP" else "RGB")
    if profile and not (fits and name in _WITH_PROFILE):
        lost.append(f"{name} does not hold its colour profile (.png and .tif do)")
        profile = b""
    colours = _chunks_from(signal.meta)
    if colours and name != "PNG":
        if "sRGB" not in colours or "cICP" in colours:
            lost.append(f"{name} does not hold its {', '.join(colours)} (.png does)")
        colours = {}
    if (
        signal.values.shape[-1] == 4
        and is_premultiplied(signal)
        and name not in _WITH_PREMULTIPLIED
    ):
        straight = _straight(Levels.from_meta(signal.meta))
        lost.append(
            f"colours are divided by alpha, and cut off beyond {straight.low:g} and"
            f" {straight.high:g} (.exr and .tif keep them)"
        )
    dpi = _dpi_from(signal) if name in _WITH_DPI else None
    return Tags(profile, dpi, colours), lost


def _chunks_from(meta: Mapping[str, JsonValue]) -> dict[str, bytes]:
    stored = meta.get("png")
    found = {}
    for key, text in stored.items() if isinstance(stored, dict) else ():
        try:
            if key in COLOUR_CHUNKS:
                found[key] = bytes.fromhex(str(text))
        except ValueError:
            continue
    return found


def _dpi_from(signal: Signal) -> tuple[float, float] | None:
    """Return the resolution, so that a rendering of other size has the physical size."""
    stored = signal.meta.get("dpi")
    if not (isinstance(stored, list) and len(stored) == 2):
        return None
    steps = [step for _, step in signal.sampling][::-1]
    try:
        across, down = (float(str(n)) / step for n, step in zip(stored, steps, strict=True))
    except ValueError:
        return None
    return likely_dpi(across, down)


def png_tags(tags: Tags) -> dict[str, bytes]:
    """Return the chunks of a PNG that hold the metadata."""
    found = dict(tags.chunks)
    if tags.profile:
        found["iCCP"] = b"ICC Profile\0\0" + zlib.compress(tags.profile)
    if tags.dpi:
        across, down = (round(n / METRES_PER_INCH) for n in tags.dpi)
        found["pHYs"] = struct.pack(">IIB", across, down, 1)
    return found
