"""The stored reconstructions of a report, 8-bit pictures and sounds, and their errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from enas_inr.reports.rows import Group, Results, Row
from enas_inr.reports.signals import on_signal, signal_rows
from enas_inr.reports.statistics import Estimate
from enas_inr.signals.previews import Pixels
from enas_inr.signals.slices import slice_text
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.record import StudyRecord

Levels = npt.NDArray[np.float32]
"""`[rows, columns]`: the mean absolute error over the channels, of 255."""

ENDS = 2
"""Signals of a set with the best and with the worst reconstructions that are shown, each."""

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
    found = [made for group in stored for made in _of_group(group, share)]
    return [made for made in found if made]


def _of_group(group: Group, most: int) -> list[Pictured | None]:
    study = group.rows[0].study
    if study.spec.signals:
        return list(_of_set(study, group))
    return [_pictured(group, most)]


def _of_set(study: StudyRecord, group: Group) -> Iterator[Pictured]:
    """Show the best configuration on the signals on which it is best and worst."""
    rows = [row for row in signal_rows(study) if row.trial in study.pictures]
    ends = rows if len(rows) <= 2 * ENDS else [*rows[:ENDS], *rows[-ENDS:]]
    best = [row for row in group.rows if row.best] or list(group.rows[:1])
    for of_signal in ends:
        original, picture = study.originals.get(of_signal.number), study.pictures[of_signal.trial]
        if original is None or original.decoded is None or original.shape != picture.shape:
            continue
        result = on_signal(best[0].result, of_signal)
        row = replace(best[0], result=result, psnr=Estimate.of(result.psnr_db_repeats))
        info = study.spec.signals[of_signal.number]
        place = slice_text(info.shape, timed=info.sample_rate is not None)
        shown = ((row, picture, picture.decoded),)
        yield Pictured(info.name, (original, original.decoded), shown, labelled=False, place=place)


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
