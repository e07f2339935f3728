"""What ordinary codecs need for the same signal: an honest measure of what a model stores.

Pictures are PNG and JPEG files as Pillow writes them with `optimize` (JPEG: colour at half the
resolution, 4:2:0), sound is FLAC as libsndfile writes it; sizes are those of whole files.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import asdict, dataclass, replace
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image
from pydantic import JsonValue

from enas_inr.signals.audio import FAILURES, encode
from enas_inr.signals.image import to_pillow
from enas_inr.signals.quality import psnr_db
from enas_inr.signals.signal import Signal, check_values

JPEG_QUALITIES = (75, 95)
"""Those that `jpeg_sizes` reports: the usual one, and the best that is worth its bytes."""

_JPEG_TOP = 95
_JPEG_SIDE = 65_500  # pixels that libjpeg allows on a side
_JPEG_SLACK = 1.05
_FLAC_SUBTYPES = {
    "PCM_U8": "PCM_S8",
    "PCM_S8": "PCM_S8",
    "PCM_16": "PCM_16",
    "ULAW": "PCM_16",
    "ALAW": "PCM_16",
}


@dataclass(frozen=True)
class JpegFile:
    """A picture as JPEG.

    Attributes:
        quality: from 1 to 95.
        bytes: of the whole file.
        psnr_db: the usual PSNR against the signal.
    """

    quality: int
    bytes: int
    psnr_db: float


def codec_sizes(signal: Signal, model_bytes: int) -> dict[str, JsonValue]:
    """What the codecs for this kind of signal need; {} where we know none.

    Args:
        signal: two spatial axes and 1, 3 or 4 channels: a picture; one axis: sound.
        model_bytes: the size of a model of the signal, to be compared with JPEG.

    Returns:
        Pictures: `png_bytes`, `jpeg` (a list, see `JpegFile`; empty for 16-bit pictures) and
        `jpeg_at_model_bytes` (the best JPEG of at most that size, or None). Sound: `flac_bytes`
        (or None).

    Raises:
        SignalError: the signal is empty, or holds NaN or infinity.
    """
    *axes, channels = signal.values.shape
    if len(axes) == 2 and channels in (1, 3, 4):
        best = jpeg_at(signal, model_bytes)
        return {
            "png_bytes": png_bytes(signal),
            "jpeg": [asdict(file) for file in jpeg_sizes(signal)],
            "jpeg_at_model_bytes": None if best is None else asdict(best),
        }
    if len(axes) == 1:
        return {"flac_bytes": flac_bytes(signal)}
    return {}


def png_bytes(signal: Signal) -> int:
    """The size of a picture as PNG, without loss: gray, RGB, RGBA, and 16-bit gray as such.

    Raises:
        SignalError: the signal is not a picture.
    """
    buffer = BytesIO()
    to_pillow(signal, "PNG", repr(signal.name)).save(buffer, "PNG", optimize=True)
    return buffer.tell()


def jpeg_sizes(signal: Signal) -> tuple[JpegFile, ...]:
    """A picture as JPEG of quality 75 and 95.

    JPEG has no transparency: RGBA is coded as RGB, and its PSNR compares RGB. Empty for what JPEG
    cannot hold: 16-bit gray, and more than 65500 pixels on a side.

    Raises:
        SignalError: the signal is not a picture.
    """
    if not _fits_jpeg(signal):
        return ()
    opaque = _without_alpha(signal)
    return tuple(_measure(opaque, q, _jpeg(opaque, q)) for q in JPEG_QUALITIES)


def jpeg_at(signal: Signal, byte_budget: int) -> JpegFile | None:
    """The JPEG of highest quality (1 to 95) that has at most `byte_budget` bytes.

    RGBA is coded and compared as RGB, as in `jpeg_sizes`. None if quality 1 needs more, or for
    what JPEG cannot hold.

    Raises:
        SignalError: the signal is not a picture.
    """
    if not _fits_jpeg(signal):
        return None
    opaque = _without_alpha(signal)
    content = cache(lambda quality: _jpeg(opaque, quality))
    # A file grows with its quality, but for a percent or so: find where it is surely too large
    # with few files, then go down.
    surely = byte_budget * _JPEG_SLACK
    start = bisect_right(range(1, _JPEG_TOP + 1), surely, key=lambda q: len(content(q)))
    for quality in range(start, 0, -1):
        if len(content(quality)) <= byte_budget:
            return _measure(opaque, quality, content(quality))
    return None


def flac_bytes(signal: Signal) -> int | None:
    """The size of sound as FLAC, without loss; None for what FLAC cannot hold.

    The depth is that of the file it was read from (`meta["subtype"]`): 8 or 16 bits, else 24,
    FLAC's most, to which floats and 32 bits are rounded. FLAC holds at most 8 channels, and needs
    a sample rate.

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
    return signal.meta.get("mode") != "I;16" and max(signal.values.shape[:-1]) <= _JPEG_SIDE


def _without_alpha(signal: Signal) -> Signal:
    has_alpha = signal.values.shape[-1] == 4
    return replace(signal, values=signal.values[..., :3]) if has_alpha else signal


def _jpeg(opaque: Signal, quality: int) -> bytes:
    buffer = BytesIO()
    image = to_pillow(opaque, "JPEG", repr(opaque.name))
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def _measure(opaque: Signal, quality: int, content: bytes) -> JpegFile:
    import torch

    pixels = np.array(Image.open(BytesIO(content)), dtype=np.float32)
    decoded = torch.from_numpy(pixels).div_(127.5).sub_(1).reshape(opaque.values.shape)
    return JpegFile(quality, len(content), psnr_db(opaque.values.detach().cpu(), decoded))
