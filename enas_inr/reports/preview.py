"""A figure of a signal, its reconstruction and the error."""

from __future__ import annotations

from pathlib import Path

from enas_inr.errors import SignalError
from enas_inr.reports.figures.drawing import image_of
from enas_inr.reports.figures.picture_figure import picture_figure
from enas_inr.reports.figures.sounds import sound_figure
from enas_inr.signals.files import is_stream, replace_bytes
from enas_inr.signals.partition import Partition
from enas_inr.signals.signal import Signal

SUFFIXES = (".pdf", ".png", ".svg")
"""The suffixes of the formats of a preview."""


def write_preview(
    original: Signal, reconstruction: Signal, partition: Partition, path: Path
) -> None:
    """Draw a signal and its reconstruction (see `sound_figure` and `picture_figure`) to a file.

    Args:
        original: the signal.
        reconstruction: a signal of the same shape.
        partition: the cells into which the signal was cut.
        path: the file to replace; its suffix decides the format.

    Raises:
        SignalError: an unknown suffix, shapes that differ, or a file that cannot be written.
    """
    suffix = path.suffix.lower()
    if not suffix and is_stream(path):
        suffix = ".png"
    if suffix not in SUFFIXES:
        raise SignalError(
            f"{str(path)!r}: cannot write a preview as {path.suffix!r}",
            f"use one of: {', '.join(SUFFIXES)}",
        )
    draw = sound_figure if original.values.ndim == 2 else picture_figure
    replace_bytes(path, image_of(draw(original, reconstruction, partition), suffix[1:]))
