"""Encode signals as picture files, with all bits that the format holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from PIL import Image

from enas_inr.errors import SignalError, first_line
from enas_inr.signals.levels import Levels, Numbers
from enas_inr.signals.pictures.layout import PictureLayout, Tags, is_premultiplied, png_tags
from enas_inr.signals.pictures.png import chunks, with_chunks
from enas_inr.signals.signal import Signal, check_values

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        ".png": "PNG",
        ".jpg": "JPEG",
        ".jpeg": "JPEG",
        ".webp": "WEBP",
        ".tif": "TIFF",
        ".tiff": "TIFF",
        ".bmp": "BMP",
        ".avif": "AVIF",
        ".exr": "EXR",
        ".hdr": "HDR",
    }
)
"""The formats that are written, by their suffixes."""

_SAVE: Mapping[str, Mapping[str, Any]] = {
    "JPEG": {"quality": 95},
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 90, "subsampling": "4:4:4"},
}
_WITHOUT_ALPHA = ("JPEG", "BMP", "HDR")
MOST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
"""Pixels along a side, the limits of libjpeg and of the format."""


@dataclass(frozen=True)
class Encoded:
    """A picture file.

    Attributes:
        content: its bytes.
        lost: what the format cannot hold, in words.
    """

    content: bytes
    lost: tuple[str, ...] = ()


def encode(signal: Signal, name: str, what: str, *, optimize: bool = False) -> Encoded:
    """Encode a picture, clamped to [-1, 1].

    Args:
        signal: rows, columns and 1, 3 or 4 channels. Its `meta` says which type its numbers have,
            what -1 and 1 mean, and which colour profile and resolution it has.
        name: format, one of the values of `FORMATS`.
        what: name of the picture in messages.
        optimize: whether to take more time for a smaller PNG.

    Raises:
        SignalError: the format cannot hold the signal.
    """
    _check(signal, name, what)
    layout = PictureLayout.of(signal, name)
    numbers, tags = layout.numbers(signal), layout.tags
    try:
        if layout.stored.is_8_bit and name not in ("EXR", "HDR"):
            content = _by_pillow(numbers, name, tags, optimize)
        else:
            content = _by_oiio(numbers, layout)
    except Exception as error:  # encoders raise various errors, for example on too many pixels
        raise SignalError(
            f"{what}: {numbers.shape[1]}x{numbers.shape[0]} pixels cannot be written as {name}:"
            f" {first_line(error)}",
            "use .png",
        ) from None
    return Encoded(content, layout.lost)


def to_pillow(signal: Signal, name: str, what: str) -> Image.Image:
    """Clamp a picture to [-1, 1] and round it to 8 bits.

    Args:
        signal: rows, columns and 1, 3 or 4 channels.
        name: format, as named by Pillow.
        what: name of the signal in error messages.

    Raises:
        SignalError: the format cannot hold the signal.
    """
    _check(signal, name, what)
    numbers = Levels().numbers(signal.values.detach().cpu())
    return _image(numbers)


def _check(signal: Signal, name: str, what: str) -> None:
    check_picture(signal, name, what)
    check_values(signal.values, what)


def check_picture(signal: Signal, name: str, what: str) -> None:
    """Refuse a signal whose shape a format cannot hold.

    Args:
        signal: the signal, of which only the shape and `meta` matter.
        name: format, one of the values of `FORMATS`.
        what: name of the signal in messages.

    Raises:
        SignalError: the message begins with `what`.
    """
    values = signal.values
    if values.ndim != 3 or values.shape[-1] not in (1, 3, 4):
        raise SignalError(
            f"{what}: a signal of shape {tuple(values.shape)} is not an image",
            "give rows, columns and 1, 3 or 4 channels",
        )
    longer = max(values.shape[:2])
    if longer > MOST_SIDE.get(name, longer):
        raise SignalError(
            f"{what}: {name} has at most {MOST_SIDE[name]} pixels along a side, not {longer}",
            "use .png or .tif",
        )
    if values.shape[-1] == 4 and name in _WITHOUT_ALPHA:
        raise SignalError(f"{what}: {name} has no transparency (the image is RGBA)", "use .png")
    if values.shape[-1] == 4 and name == "EXR" and not is_premultiplied(signal):
        raise SignalError(
            f"{what}: EXR holds colours multiplied by alpha, which loses those of clear pixels",
            "use .png or .tif",
        )


def _image(numbers: Numbers) -> Image.Image:
    return Image.fromarray(numbers[..., 0] if numbers.shape[-1] == 1 else numbers)


def _by_pillow(numbers: Numbers, name: str, tags: Tags, optimize: bool) -> bytes:
    options: dict[str, Any] = dict(_SAVE.get(name, {}))
    if name == "PNG":
        options["optimize"] = optimize
    if tags.profile:
        options["icc_profile"] = tags.profile
    if tags.dpi or name == "BMP":
        options["dpi"] = tags.dpi or (0, 0)  # Pillow would write 96
    buffer = BytesIO()
    _image(numbers).save(buffer, name, **options)
    content = buffer.getvalue()
    return _with_colours(content, tags.chunks) if tags.chunks else content


def _with_colours(content: bytes, added: Mapping[str, bytes]) -> bytes:
    """Return a PNG with more chunks about colours; others about them stay."""
    kept = {n.decode("latin-1"): data for n, data in chunks(content) if n in (b"iCCP", b"pHYs")}
    return with_chunks(content, {**added, **kept})


def _by_oiio(numbers: Numbers, layout: PictureLayout) -> bytes:
    import OpenImageIO

    name = layout.name
    if name == "HDR" and numbers.shape[-1] == 1:
        numbers = numbers.repeat(3, axis=-1)
    rows, columns, channels = numbers.shape
    spec = layout.spec(rows, columns, channels)
    with TemporaryDirectory(prefix="enas-inr-") as folder:
        path = Path(folder, "picture." + {"TIFF": "tif"}.get(name, name.lower()))
        file = OpenImageIO.ImageOutput.create(str(path))
        if file is None:
            raise ValueError(OpenImageIO.geterror())
        if not (file.open(str(path), spec) and file.write_image(numbers) and file.close()):
            raise ValueError(file.geterror())
        content = path.read_bytes()
    return with_chunks(content, png_tags(layout.tags)) if name == "PNG" else content
