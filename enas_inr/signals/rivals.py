"""A signal in ordinary codecs at the quality of a model, to show what the model is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import soundfile
import torch
from PIL import features

from enas_inr.signals.codecs import (
    decoded_psnr_db,
    flac_bytes,
    is_deep,
    least_quality,
    png_bytes,
    png_psnr_db,
)
from enas_inr.signals.pictures.encoding import to_pillow
from enas_inr.signals.quality import psnr_db
from enas_inr.signals.signal import Signal
from enas_inr.signals.sounds.audio import FAILURES

MOST_PIXELS = 4_000_000  # of a picture that is encoded with losses, several times
MOST_FRAMES = 10_000_000
PICTURES = {"JPEG": 95, "WEBP": 100, "AVIF": 100}
"""The codecs of pictures, as Pillow names them, and their highest quality."""

NAMES = {"WEBP": "WebP"}
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
OPUS_LEVELS = 40  # compressions that are tried, from the strongest to the weakest


@dataclass(frozen=True)
class Rival:
    """A signal in a codec.

    Attributes:
        codec: name of the codec.
        bytes: size of the whole file.
        psnr_db: its PSNR; None for a lossless one.
    """

    codec: str
    bytes: int
    psnr_db: float | None = None


def rivals(signal: Signal, least_db: float) -> Iterator[Rival]:
    """Iterate over the codecs of a picture or a sound: lossless, then the smallest that suffice.

    A codec that cannot hold the signal, or does not reach the PSNR, is left out.

    Args:
        signal: the signal.
        least_db: PSNR to reach, in the usual convention.
    """
    *shape, channels = signal.values.shape
    samples = signal.values.numel() // channels
    if len(shape) == 2 and channels in (1, 3, 4):
        yield Rival("PNG", png_bytes(signal), png_psnr_db(signal))
        if samples <= MOST_PIXELS and channels != 4 and not is_deep(signal):
            found = (_picture(signal, name, least_db) for name in PICTURES)
            yield from (rival for rival in found if rival)
    elif len(shape) == 1 and samples <= MOST_FRAMES:
        size = flac_bytes(signal)
        if size is not None:
            yield Rival("FLAC", size)
        if opus := _opus(signal, least_db):
            yield opus


def _picture(signal: Signal, name: str, least_db: float) -> Rival | None:
    if name != "JPEG" and not features.check(name.lower()):
        return None

    @cache
    def made(quality: int) -> Rival:
        buffer = BytesIO()
        image = to_pillow(signal, name, repr(signal.name))
        image.save(buffer, name, quality=quality)
        content = buffer.getvalue()
        return Rival(NAMES.get(name, name), len(content), decoded_psnr_db(signal, content))

    try:
        return _least(made, PICTURES[name], least_db)
    except Exception:  # encoders raise various errors, for example on sides that are too long
        return None


def _opus(signal: Signal, least_db: float) -> Rival | None:
    if signal.sample_rate not in OPUS_RATES or "OPUS" not in soundfile.available_subtypes("OGG"):
        return None
    values = signal.values.clamp(-1, 1).numpy()

    @cache
    def made(level: int) -> Rival:
        buffer = BytesIO()
        soundfile.write(
            buffer,
            values,
            signal.sample_rate,
            format="OGG",
            subtype="OPUS",
            compression_level=1 - level / OPUS_LEVELS,
        )
        size = buffer.tell()
        buffer.seek(0)
        decoded, _ = soundfile.read(buffer, dtype="float32", always_2d=True)
        frames = min(len(decoded), len(values))
        error = psnr_db(signal.values[:frames], torch.from_numpy(decoded[:frames]))
        return Rival("Opus", size, error)

    try:
        return _least(made, OPUS_LEVELS, least_db)
    except FAILURES:
        return None


def _least(made: Callable[[int], Rival], top: int, least_db: float) -> Rival | None:
    """Return the file of the lowest quality that suffices; the PSNR grows with the quality."""
    quality = least_quality(lambda quality: made(quality).psnr_db or 0.0, top, least_db)
    return None if quality is None else made(quality)
