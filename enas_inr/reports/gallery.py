"""The stored reconstructions of a report, 8-bit pictures and sounds, and their errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from enas_inr.reports.rows import Group, Results, Row
from enas_inr.signals.picture import Pixels
from enas_inr.signals.slices import slice_text
from enas_inr.studies.pictures import StoredPicture

Levels = npt.NDArray[np.float32]
"""`[rows, columns]`: the mean absolute error over the channels, of 255."""

_LEAST_END = 1.0  # level: the end of the colours, however small the errors
_OUTLIERS = 0.002  # of the pixels may lie beyond the end of the colours


@dataclass(frozen=True)
class Pictured:
    """The stored reconstructions of one signal.

    Attributes:
        signal: the name of the signal.
        original: the stored original, and its content: `Pixels`, or a Signal for a sound.
        rows: the rows to show, each with its picture, which has the shape of the original.
        labelled: whether names alone do not tell its rows apart.
        place: the slice that the pictures show, in words; empty if they show the whole signal.
    """

    signal: str
    original: tuple[StoredPicture, Any]
    rows: tuple[tuple[Row, StoredPicture, Any], ...]
    labelled: bool
    place: str = ""

    def name_of(self, row: Row) -> str:
        """Return the name of a row that tells it from the others of this signal."""
        return row.label if self.labelled else row.name

    @property
    def is_sound(self) -> bool:
        """Whether the signal is a sound."""
        return self.original[0].mimetype.startswith("audio/")


def pictured(results: Results, most: int) -> list[Pictured]:
    """Choose the rows to show of each signal: the named ones first, then those with the best score.

    Args:
        results: the results; signals without stored pictures are left out.
        most: the number of reconstructions in all; each signal has at least one.
    """
    stored = [group for group in results.groups if _original(group)]
    share = max(1, most // max(1, len(stored)))
    return [made for group in stored if (made := _pictured(group, share))]


def _original(group: Group) -> StoredPicture | None:
    return next((row.study.original for row in group.rows if row.study.original), None)


def _pictured(group: Group, most: int) -> Pictured | None:
    """Decode what is stored; None without an original and a reconstruction of its shape."""
    original = _original(group)
    if original is None or original.decoded is None:
        return None
    known = [row for row in group.rows if row.result.trial.number in row.study.pictures]
    ranked = sorted(known, key=lambda row: row.result.rank, reverse=True)
    named = [row for row in known if row.result.key in row.study.names]
    shown = [*named, *(row for row in ranked if row not in named)][:most]
    pairs = [(row, row.study.pictures[row.result.trial.number]) for row in shown]
    rows = tuple((row, p, p.decoded) for row, p in pairs if p.shape == original.shape)
    info = group.rows[0].study.spec.signal
    place = slice_text(info.shape, timed=info.sample_rate is not None)
    if not rows:
        return None
    return Pictured(group.signal, (original, original.decoded), rows, group.labelled, place)


def error_levels(original: Pixels, reconstruction: Pixels) -> Levels:
    """The error of each pixel, from 0 to 255, of two pictures of one shape."""
    difference = original.astype(np.float32) - reconstruction.astype(np.float32)
    mean: Levels = np.abs(difference).mean(axis=-1, dtype=np.float32)
    return mean


def error_end(errors: Iterable[Levels]) -> float:
    """The level at which the colours that they share end: of the worst, without its outliers."""
    ends = [float(np.quantile(levels, 1 - _OUTLIERS)) for levels in errors]
    return max([_LEAST_END, *ends])


def error_png(levels: Levels, end: float) -> bytes:
    """Draw errors in the colours of magma, from black (0) to light yellow (`end` and above)."""
    from matplotlib import colormaps
    from PIL import Image

    colors = colormaps["magma"](np.clip(levels / end, 0, 1), bytes=True)[..., :3]
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(colors)).save(buffer, "PNG")
    return buffer.getvalue()
