"""Which large signals are written to a file part by part, and by what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from enas_inr.hookspecs import Modality
from enas_inr.signals.parts import SignalParts
from enas_inr.signals.pictures.encoding import FORMATS as PICTURES
from enas_inr.signals.pictures.streaming import write_png, write_tiff
from enas_inr.signals.sounds.formats import FORMATS as SOUNDS
from enas_inr.signals.sounds.streaming import write_sound

STREAMED_FROM = 2**28
"""Bytes of the values from which a signal is written part by part."""

Write = Callable[[SignalParts, Path], None]


def stream_of(described: Modality, suffix: str) -> Write | None:
    """Return what writes signals of a modality part by part, if there is such a writer.

    Args:
        described: the modality; those of plugins only write whole signals.
        suffix: the suffix of the file in lower case, which decides the format.
    """
    module = described.target.partition(":")[0]
    if module == "enas_inr.signals.pictures.image":
        return {"PNG": write_png, "TIFF": write_tiff}.get(PICTURES.get(suffix, ""))
    if module == "enas_inr.signals.sounds.audio" and suffix in SOUNDS:
        return write_sound
    return None
