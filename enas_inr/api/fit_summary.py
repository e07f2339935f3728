"""The result of a fit of many signals, and the summary of it in the folder of the models."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enas_inr.display import html
from enas_inr.plain_text import csv_cell, json_object, read_json
from enas_inr.signals.files import make_folder, replace_bytes
from enas_inr.validation import counted

if TYPE_CHECKING:
    import pandas as pd

NAME = "summary"
"""Name of the files of a summary, without the suffix."""

SUMMARY = (f"{NAME}.csv", f"{NAME}.json")
"""Names of the files of a summary."""

MOST_SHOWN = 50
"""Rows that a notebook shows."""


class FitStatus(StrEnum):
    """What became of a signal of a set."""

    FITTED = "fitted"
    KEPT = "kept"
    """Its file was there, from the same signal and the same settings."""
    FAILED = "failed"
    LEFT = "left"
    """Its fit has not ended; the same call resumes it."""


@dataclass(frozen=True)
class FitRow:
    """One signal of a set.

    Attributes:
        name: its name, which is unique in the set.
        path: the model file.
        status: what became of it.
        psnr_db: PSNR in dB of the model, with its numbers as stored.
        bytes: size of the file.
        seconds: its share of the time of the training, and the time to measure and write it.
        message: why it failed, or what is wrong with its training, in one line.
    """

    name: str
    path: str
    status: FitStatus
    psnr_db: float | None = None
    bytes: int | None = None
    seconds: float | None = None
    message: str = ""


@dataclass(frozen=True)
class FitManyResult:
    """The result of `fit_many`.

    Attributes:
        folder: where the models and the summary are.
        rows: a row for each signal, in the order of the set.
        seconds: duration of the call.
    """

    folder: Path
    rows: tuple[FitRow, ...]
    seconds: float

    def __repr__(self) -> str:
        counts = {status: self.count(status) for status in FitStatus}
        known = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
        return f"<FitManyResult: {known}, in {str(self.folder)!r}>"

    def _repr_html_(self) -> str:
        rows = [(r.name, r.status.value, r.psnr_db, r.bytes, r.message) for r in self.rows]
        more = len(rows) - MOST_SHOWN
        return html.stacked(
            html.titled(f"{counted(len(rows), 'signal')} in {self.folder}"),
            html.table(("signal", "", "PSNR dB", "bytes", ""), rows[:MOST_SHOWN]),
            html.titled("", f"and {more} more, in {SUMMARY[0]}") if more > 0 else "",
        )

    @property
    def finished(self) -> bool:
        """False if the call was stopped; the same call resumes it."""
        return not self.count(FitStatus.LEFT)

    @property
    def failed(self) -> tuple[FitRow, ...]:
        """The rows of the signals that failed."""
        return tuple(row for row in self.rows if row.status is FitStatus.FAILED)

    def count(self, status: FitStatus) -> int:
        """Return the number of signals with a status."""
        return sum(row.status is status for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as `enas-inr fit --json` prints it, and as in summary.json."""
        psnr = [row.psnr_db for row in self.rows if row.psnr_db is not None]
        return {
            "folder": str(self.folder),
            "signals": len(self.rows),
            **{status.value: self.count(status) for status in FitStatus},
            "psnr_db": {
                "mean": statistics.fmean(psnr) if psnr else None,
                "worst": min(psnr, default=None),
                "best": max(psnr, default=None),
            },
            "bytes": sum(row.bytes or 0 for row in self.rows),
            "seconds": round(self.seconds, 3),
            "rows": [asdict(row) for row in self.rows],
        }

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table with one row for each signal."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])


def write_summary(result: FitManyResult) -> None:
    """Write `summary.csv` and `summary.json` into the folder, each of them atomically.

    The folder is made if it has gone.

    Raises:
        SignalError: they cannot be written.
    """
    make_folder(result.folder)
    text = StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(FitRow)], lineterminator="\n")
    writer.writeheader()
    for row in result.rows:
        writer.writerow({name: csv_cell(value) for name, value in asdict(row).items()})
    content = text.getvalue().encode(errors="replace")
    replace_bytes(result.folder / f"{NAME}.csv", content)
    content = json_object(result.to_dict()).encode()
    replace_bytes(result.folder / f"{NAME}.json", content)


def seconds_before(folder: Path) -> Mapping[str, float]:
    """Return the seconds of each signal by its name, as far as a summary is there and has them."""
    try:
        rows: Sequence[Any] = read_json((folder / f"{NAME}.json").read_bytes())["rows"]
        return {row["name"]: row["seconds"] for row in rows if row["seconds"] is not None}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
