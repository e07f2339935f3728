"""Sizes of the same signal in common codecs, for comparison with the size of a model.

Pictures are PNG and JPEG files, written by Pillow with `optimize` (JPEG with 4:2:0 chroma
subsampling); sound is FLAC, written by libsndfile. Sizes are those of whole files.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image
from pydantic import JsonValue

from enas_inr.signals.levels import Levels
from enas_inr.signals.pictures.encoding import MOST_SIDE, to_pillow
from enas_inr.signals.pictures.encoding import encode as encode_picture
from enas_inr.signals.quality import psnr_db
from enas_inr.signals.signal import Signal, check_values
from enas_inr.signals.sounds.audio import FAILURES, encode

JPEG_QUALITIES = (75, 95)
"""The qualities that `jpeg_sizes` reports: the default, and the highest useful one."""

_JPEG_TOP = 95
_JPEG_SLACK = 1.05
_FLAC_SUBTYPES = {
    "PCM_U8": "PCM_S8",
    "PCM_S8": "PCM_S8",
    "PCM_16": "PCM_16",
    "ULAW": "PCM_16",
    "ALAW": "PCM_16",
}
_AUDIO_BYTES = {
    "PCM_U8": 1,
    "PCM_S8": 1,
    "ULAW": 1,
    "ALAW": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "DOUBLE": 8,
}
_FLOAT_BYTES = 4
_PIXELS = ("mode", "dtype", "range", "premultiplied")  # of the metadata of a picture
_PNG_LEVELS = 65536
_LEVEL = 1e-3  # distance of a value from a level of 8 bits, in levels, that is rounding alone


@dataclass(frozen=True)
class JpegFile:
    """A picture as JPEG.

    Attributes:
        quality: from 1 to 95.
        bytes: size of the file.
        psnr_db: PSNR against the signal.
    """

    quality: int
    bytes: int
    psnr_db: float


def raw_bytes(signal: Signal) -> int:
    """Return the size of the samples as they are without any codec.

    A value has as many bytes as in the file, if that is known from `meta` (`mode`, `subtype` or
    `dtype`); otherwise one if all values are levels of 8 bits, or else the four of a float32.
    """
    return signal.values.numel() * _bytes_per_value(signal)


def _bytes_per_value(signal: Signal) -> int:
    meta = signal.meta
    if "subtype" in meta:
        return _AUDIO_BYTES.get(str(meta["subtype"]), _FLOAT_BYTES)
    if "mode" in meta or "dtype" in meta:
        return int(np.dtype(Levels.from_meta(meta).dtype).itemsize)
    levels = (signal.values + 1) * 127.5
    return 1 if bool(((levels - levels.round()).abs() < _LEVEL).all()) else _FLOAT_BYTES


def codec_sizes(signal: Signal, model_bytes: int) -> dict[str, JsonValue]:
    """Return the sizes in the codecs for this kind of signal, or {} if there are none.

    Args:
        signal: a picture (two spatial axes and 1, 3 or 4 channels) or a sound (one axis).
        model_bytes: size of a model of the signal, to compare with JPEG.

    Returns:
        For pictures `png_bytes`, `png_psnr_db` if PNG is not lossless, `jpeg` (a list of
        `JpegFile`, empty for pictures of more than 8 bits) and `jpeg_at_model_bytes` (the best JPEG
        of at most that size, or None); for sound `flac_bytes` (or None).

    Raises:
        SignalError: the signal is empty, or holds NaN or infinity.
    """
    *axes, channels = signal.values.shape
    if len(axes) == 2 and channels in (1, 3, 4):
        best = jpeg_at(signal, model_bytes)
        loss = png_psnr_db(signal)
        return {
            "png_bytes": png_bytes(signal),
            **({} if loss is None else {"png_psnr_db": loss}),
            "jpeg": [asdict(file) for file in jpeg_sizes(signal)],
            "jpeg_at_model_bytes": None if best is None else asdict(best),
        }
    if len(axes) == 1:
        return {"flac_bytes": flac_bytes(signal)}
    return {}


def png_bytes(signal: Signal) -> int:
    """Return the size of a picture as PNG, without metadata; beyond 8 bits, it has 16.

    Raises:
        SignalError: the signal is not a picture.
    """
    pixels = {key: signal.meta[key] for key in _PIXELS if key in signal.meta}
    plain = replace(signal, meta=pixels)
    return len(encode_picture(plain, "PNG", repr(signal.name), optimize=True).content)


def png_psnr_db(signal: Signal) -> float | None:
    """Return the PSNR of a picture as PNG, whose 16 bits cannot tell all floats apart.

    Returns:
        None if PNG is lossless: for integers of at most 65536 levels.
    """
    levels = Levels.from_meta(signal.meta)
    if not levels.is_float and levels.high - levels.low < _PNG_LEVELS:
        return None
    half = (_PNG_LEVELS - 1) / 2
    values = signal.values.detach().cpu()
    stored = values.clamp(-1, 1).add(1).mul(half).round().div(half).sub(1)
    return psnr_db(values, stored)


def jpeg_sizes(signal: Signal) -> tuple[JpegFile, ...]:
    """Encode a picture as JPEG of quality 75 and 95.

    JPEG has no transparency, so RGBA is encoded and compared as RGB. The result is empty for
    pictures that JPEG cannot hold: of more than 8 bits, and of sides of more than 65500 pixels.

    Raises:
        SignalError: the signal is not a picture.
    """
    if not _fits_jpeg(signal):
        return ()
    opaque = _without_alpha(signal)
    return tuple(_measure(opaque, q, _jpeg(opaque, q)) for q in JPEG_QUALITIES)


def jpeg_at(signal: Signal, byte_budget: int) -> JpegFile | None:
    """Return the JPEG of the highest quality (1 to 95) that has at most `byte_budget` bytes.

    RGBA is treated as in `jpeg_sizes`. The result is None if quality 1 needs more bytes, or if
    JPEG cannot hold the picture.

    Raises:
        SignalError: the signal is not a picture.
    """
    if not _fits_jpeg(signal):
        return None
    opaque = _without_alpha(signal)
    content = cache(lambda quality: _jpeg(opaque, quality))
    # Size grows with quality, to within about a percent: bisect for a quality that is surely too
    # large, then go down from there.
    surely = byte_budget * _JPEG_SLACK
    start = bisect_right(range(1, _JPEG_TOP + 1), surely, key=lambda q: len(content(q)))
    for quality in range(start, 0, -1):
        if len(content(quality)) <= byte_budget:
            return _measure(opaque, quality, content(quality))
    return None


def jpeg_reaching(signal: Signal, least_db: float) -> JpegFile | None:
    """Return the JPEG of the lowest quality (1 to 95) whose PSNR is at least `least_db`.

    Returns:
        None if no quality reaches it, or if JPEG cannot hold the picture: it has no transparency
        and only 8 bits.

    Raises:
        SignalError: the signal is not a picture.
    """
    if not _fits_jpeg(signal) or signal.values.shape[-1] == 4:
        return None
    file = cache(lambda quality: _measure(signal, quality, _jpeg(signal, quality)))
    quality = least_quality(lambda quality: file(quality).psnr_db, _JPEG_TOP, least_db)
    return None if quality is None else file(quality)


def least_quality(psnr_db: Callable[[int], float], top: int, least_db: float) -> int | None:
    """Return the lowest quality from 1 to `top` that reaches a PSNR; None if none does.

    Args:
        psnr_db: the PSNR of a quality, which grows with it to within small steps.
        top: the highest quality.
        least_db: PSNR to reach.
    """
    if psnr_db(top) < least_db:
        return None
    return 1 + bisect_left(range(1, top + 1), least_db, key=psnr_db)


def flac_bytes(signal: Signal) -> int | None:
    """Return the size of a sound as lossless FLAC, or None if FLAC cannot hold it.

    The bit depth is that of the original file (`meta["subtype"]`) if it has 8 or 16 bits, and
    otherwise 24, the maximum of FLAC, to which floats and 32-bit integers are rounded. FLAC needs a
    sample rate and holds at most 8 channels.

    Raises:
        SignalError: the signal is empty, or holds NaN or infinity.
    """
    check_values(signal.values, repr(signal.name))
    subtype = _FLAC_SUBTYPES.get(str(signal.meta.get("subtype")), "PCM_24")
    if signal.values.ndim != 2 or signal.sample_rate is None:
        return None
    try:
        return len(encode(signal, signal.sample_rate, "FLAC", subtype))
    except FAILURES:
        return None


def _fits_jpeg(signal: Signal) -> bool:
    return not is_deep(signal) and max(signal.values.shape[:-1]) <= MOST_SIDE["JPEG"]


def is_deep(signal: Signal) -> bool:
    """Whether a picture has more than the levels of 8 bits."""
    return not Levels.from_meta(signal.meta).is_8_bit


def _without_alpha(signal: Signal) -> Signal:
    has_alpha = signal.values.shape[-1] == 4
    return replace(signal, values=signal.values[..., :3]) if has_alpha else signal


def _jpeg(opaque: Signal, quality: int) -> bytes:
    buffer = BytesIO()
    image = to_pillow(opaque, "JPEG", repr(opaque.name))
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def _measure(opaque: Signal, quality: int, content: bytes) -> JpegFile:
    return JpegFile(quality, len(content), decoded_psnr_db(opaque, content))


def decoded_psnr_db(opaque: Signal, content: bytes) -> float:
    """Return the PSNR of a picture without alpha after it was encoded as a file of 8 bits."""
    mode = "L" if opaque.values.shape[-1] == 1 else "RGB"
    with Image.open(BytesIO(content)) as image:
        decoded = Levels().values(np.array(image.convert(mode)))
    return psnr_db(opaque.values.detach().cpu(), decoded.reshape(opaque.values.shape))
