"""Previews: a signal as a small file that a browser can show or play."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from enas_inr.errors import SignalError
from enas_inr.result import Picture
from enas_inr.signals.slices import middle_slice

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

Pixels = npt.NDArray[np.uint8]
"""`[rows, columns, channels]`: 1 (gray), 3 (RGB) or 4 (RGBA)."""

MAX_SIDE = 512  # pixels
MAX_SECONDS = 30


def picture_of(signal: Signal) -> Picture | None:
    """Make a WAV of a signal with one axis, or a PNG of others (8 bits, sides up to 512 pixels).

    Args:
        signal: a signal of any modality. A long sound is cut after 30 seconds; more than two axes
            are reduced to the middle slice.

    Returns:
        The file, or None if these formats cannot hold the signal.
    """
    from enas_inr.signals.sounds.audio import FAILURES

    make = _wav if signal.values.ndim == 2 else _png
    try:
        return make(signal)
    except (SignalError, *FAILURES):
        return None


def _png(signal: Signal) -> Picture:
    from enas_inr.signals.pictures.encoding import to_pillow

    image = to_pillow(replace(middle_slice(signal), meta={}), "PNG", "picture")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return Picture(".png", "image/png", buffer.getvalue())


def _wav(signal: Signal) -> Picture | None:
    from enas_inr.signals.sounds.audio import encode

    rate = signal.sample_rate
    if rate is None:
        return None
    start = replace(signal, values=signal.values[: MAX_SECONDS * rate])
    return Picture(".wav", "audio/wav", encode(start, rate, "WAV", "PCM_16"))


def pixels_of(content: bytes) -> Pixels | None:
    """Decode a PNG; None if it is not a picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(content)) as image:
            mode = "L" if image.mode == "L" else "RGBA" if "A" in image.getbands() else "RGB"
            values = np.asarray(image.convert(mode))
    except (UnidentifiedImageError, OSError, ValueError):
        return None
    return values if values.ndim == 3 else values[..., None]


def sound_of(content: bytes) -> Signal | None:
    """Decode a WAV: values `[frames, channels]`; None if it is not a sound."""
    import soundfile
    import torch

    from enas_inr.signals.signal import Signal
    from enas_inr.signals.sounds.audio import FAILURES

    try:
        values, rate = soundfile.read(BytesIO(content), dtype="float32", always_2d=True)
    except FAILURES:
        return None
    return Signal(torch.from_numpy(values), "audio", "", sample_rate=int(rate))
