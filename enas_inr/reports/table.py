"""The table of a report: its columns, and a cell for each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from enas_inr.reports.rows import Row
from enas_inr.reports.statistics import CONFIDENCE
from enas_inr.result import TrialStatus
from enas_inr.studies.record import Report, StudyRecord
from enas_inr.validation import format_quantity


@dataclass(frozen=True)
class Cell:
    """One value.

    Attributes:
        text: for people; empty: nothing is known.
        value: by which it is sorted; None: after all others.
    """

    text: str = ""
    value: float | str | None = None


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: short.
        meaning: what it says, with the unit; empty: the title says it.
        numeric: whether its cells are numbers.
        cell: makes a row's cell.
    """

    title: str
    meaning: str
    numeric: bool
    cell: Callable[[Row], Cell]


@dataclass(frozen=True)
class Line:
    """One row as cells: `name` and those of the columns after it."""

    row: Row
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """The columns that say something, and the lines."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]

    def only(self, titles: Sequence[str]) -> Table:
        """The same with these columns alone, as far as there are such."""
        kept = [index for index, column in enumerate(self.columns) if column.title in titles]
        return Table(
            tuple(self.columns[index] for index in kept),
            tuple(Line(line.row, tuple(line.cells[i] for i in kept)) for line in self.lines),
        )


def table_of(report: Report, every: Sequence[Row]) -> Table:
    """Make the table; columns that are empty in all rows are left out."""
    columns = [column for column in _columns(report) if any(column.cell(r).text for r in every)]
    return Table(
        columns=tuple(columns),
        lines=tuple(Line(row, tuple(column.cell(row) for column in columns)) for row in every),
    )


def _columns(report: Report) -> list[Column]:
    signals = {study.spec.signal.identity for study in report.studies}
    kinds = {_kind(study) for study in report.studies}
    base = f"the baseline, {report.baseline}"
    interval = f"{CONFIDENCE:.0%} confidence interval over the repeats"

    def text(title: str, meaning: str, of: Callable[[Row], str]) -> Column:
        return Column(title, meaning, False, lambda row: Cell(of(row), of(row) or None))

    def number(
        title: str,
        meaning: str,
        of: Callable[[Row], float | None],
        shown: Callable[[float], str] = "{:.2f}".format,
    ) -> Column:
        return Column(title, meaning, True, lambda row: _number(of(row), shown))

    def count(title: str, meaning: str, of: Callable[[Row], float | None]) -> Column:
        return number(title, meaning, of, "{:.0f}".format)

    return [
        text("name", "", lambda row: row.name),
        text("study", "", lambda row: row.study.label),
        text("signal", "", lambda row: row.study.spec.signal.name if len(signals) > 1 else ""),
        text(
            "backbone",
            "kind of sub-network, and the options that were asked for",
            lambda row: _kind(row.study) if len(kinds) > 1 else "",
        ),
        count("M", "cells along each axis", lambda row: row.result.trial.ensemble.grid),
        count("d", "hidden layers between the first and the last", lambda row: _size(row, "depth")),
        count("w", "units of a hidden layer", lambda row: _size(row, "width")),
        number(
            "FLOPs",
            "of one evaluation of the whole signal",
            lambda row: row.result.trial.cost.flops,
            format_quantity,
        ),
        number(
            "parameters",
            "of all cells together",
            lambda row: row.result.trial.cost.parameters,
            format_quantity,
        ),
        number(
            "bytes",
            "of all stored numbers as float32",
            lambda row: row.result.trial.cost.bytes,
            format_quantity,
        ),
        Column(
            "PSNR",
            f"dB, the usual one: mean and {interval}",
            True,
            lambda row: Cell(str(row.psnr), row.psnr.mean) if row.psnr else Cell(_status(row)),
        ),
        number("PSNR, paper's", "dB, in the paper's convention: 6.02 less", _paper),
        number(
            "published",
            "dB, in the paper's convention: what it printed",
            lambda row: row.published.psnr_paper_db if row.published else None,
        ),
        number(
            "difference", "dB: ours minus the published", lambda row: row.difference_db, _signed
        ),
        number("score", "of the objective: the larger the better", lambda row: row.result.score),
        Column(
            "gain",
            f"dB over {base}, with its confidence interval",
            True,
            lambda row: Cell(str(row.gain), row.gain.mean) if row.gain else Cell(),
        ),
        number(
            "p",
            "of the gain: how probable one as large is by chance (Welch's t-test, uncorrected)",
            lambda row: row.gain.p if row.gain else None,
            lambda p: "< 0.001" if p < 0.001 else f"{p:.3f}",
        ),
        count(
            "passes at",
            f"first step kept at which its curve is above the PSNR of {base}",
            lambda r: r.passes,
        ),
        number("seconds", "of training", lambda row: row.result.seconds, "{:,.1f}".format),
        text("status", "how the training ended, if not complete, and why", _status),
    ]


def _number(value: float | None, shown: Callable[[float], str]) -> Cell:
    return Cell() if value is None else Cell(shown(value), value)


def _signed(value: float) -> str:
    return f"{value:+.2f}"


def _paper(row: Row) -> float | None:
    return row.psnr_paper_db


def _size(row: Row, name: str) -> int:
    return row.result.trial.ensemble.sizes()[name]


def _status(row: Row) -> str:
    return "" if row.result.status is TrialStatus.COMPLETE else row.result.status.value


def _kind(study: StudyRecord) -> str:
    base = study.spec.space.base
    options = ", ".join(f"{name} {value}" for name, value in base.options.items())
    return f"{base.backbone} ({options})" if options else base.backbone
