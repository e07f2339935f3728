"""What was stored of the reconstructions: 8-bit pictures and sounds, and how far off they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt

from enas_inr.reports.figures.charts import groups, several_labels
from enas_inr.reports.rows import Row
from enas_inr.signals.picture import Pixels
from enas_inr.signals.slices import slice_text
from enas_inr.spec import SignalInfo
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.record import Report

Levels = npt.NDArray[np.float32]
"""`[rows, columns]`: the mean absolute error over the channels, of 255."""

_LEAST_END = 1.0  # level: the end of the colours, however small the errors
_OUTLIERS = 0.002  # of the pixels may lie beyond the end of the colours


@dataclass(frozen=True)
class Pictured:
    """The reconstructions of one signal of which something was stored.

    Attributes:
        signal: its name.
        original: as it was stored.
        rows: those to show, each with its picture.
        labelled: whether names alone do not tell its rows apart.
        place: which slice of the signal the pictures show, in words; empty: they show all of it.
    """

    signal: str
    original: StoredPicture
    rows: tuple[tuple[Row, StoredPicture], ...]
    labelled: bool
    place: str = ""

    def name_of(self, row: Row) -> str:
        """What a row is called beside the others of this signal."""
        return row.label if self.labelled else row.name

    @property
    def is_sound(self) -> bool:
        """Whether it is to be listened to."""
        return self.original.mimetype.startswith("audio/")


def pictured(report: Report, most: int) -> list[Pictured]:
    """What to show of each signal: the named rows first, then those with the best score.

    Args:
        report: of any signals; those without stored pictures are left out.
        most: how many reconstructions altogether; each signal has at least one.
    """
    every = [
        (group, original, known)
        for group in groups(report)
        if (original := next((r.study.original for r in group.rows if r.study.original), None))
        and (
            known := [
                (row, picture)
                for row in group.rows
                if (picture := row.study.pictures.get(row.result.trial.number))
                and picture.mimetype == original.mimetype
            ]
        )
    ]
    share = max(1, most // max(1, len(every)))
    return [
        Pictured(
            group.signal,
            original,
            tuple(_first(known, share)),
            labelled=several_labels([group]),
            place=_place(group.rows[0].study.spec.signal),
        )
        for group, original, known in every
    ]


def _place(signal: SignalInfo) -> str:
    return slice_text(signal.shape, timed=signal.sample_rate is not None)


def _first(known: list[tuple[Row, StoredPicture]], most: int) -> list[tuple[Row, StoredPicture]]:
    named = [pair for pair in known if pair[0].result.key in pair[0].study.names]
    others = sorted(
        (pair for pair in known if pair not in named),
        key=lambda pair: pair[0].result.rank,
        reverse=True,
    )
    return [*named, *others][:most]


def error_levels(original: Pixels, reconstruction: Pixels) -> Levels | None:
    """The error of each pixel, from 0 to 255; None if the shapes differ."""
    if original.shape != reconstruction.shape:
        return None
    difference = original.astype(np.float32) - reconstruction.astype(np.float32)
    mean: Levels = np.abs(difference).mean(axis=-1, dtype=np.float32)
    return mean


def error_end(errors: Sequence[Levels]) -> float:
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
