"""The table of a report: its columns, and a cell for each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from enas_inr.reports.rows import Results, Row
from enas_inr.reports.settings import backbone_text
from enas_inr.reports.statistics import CONFIDENCE, Difference, Estimate
from enas_inr.result import TrialStatus
from enas_inr.spec import AXIS_LETTERS
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


def table_of(results: Results, only: Sequence[str] | None = None) -> Table:
    """Make the table; columns that are empty in all rows are left out.

    Args:
        results: the rows.
        only: the titles of the columns to keep, as far as there are such; None: all.
    """
    columns = tuple(
        column
        for column in _columns(results)
        if only is None or column.title in only
        if any(column.cell(row).text for row in results.rows)
    )
    lines = (Line(row, tuple(column.cell(row) for column in columns)) for row in results.rows)
    return Table(columns, tuple(lines))


def _columns(results: Results) -> list[Column]:
    several_kinds = len({backbone_text(study.spec) for study in results.report.studies}) > 1
    several_signals = len(results.groups) > 1
    base = f"the baseline, {results.report.baseline}"
    interval = f"{CONFIDENCE:.0%} confidence interval"
    return [
        _text("name", "", lambda row: row.name),
        _text("study", "", lambda row: row.study.label),
        _text("signal", "", lambda row: row.study.spec.signal.name if several_signals else ""),
        _text(
            "backbone",
            "kind of sub-network, and the options that were asked for",
            lambda row: backbone_text(row.study.spec) if several_kinds else "",
        ),
        _size("grid", "cells along each axis"),
        _size("depth", "hidden layers between the first and the last"),
        _size("width", "units of a hidden layer"),
        _cost("FLOPs", "of one evaluation of the whole signal"),
        _cost("parameters", "of all cells together"),
        _cost("bytes", "of all stored numbers as float32"),
        Column(
            "PSNR",
            f"dB, the usual one: mean and {interval} over the repeats",
            True,
            lambda row: _with_interval(row.psnr) if row.psnr else Cell(_status(row)),
        ),
        _number(
            "PSNR, paper's",
            "dB, in the paper's convention: 6.02 less",
            lambda row: row.result.psnr_paper_db,
        ),
        _number(
            "published",
            "dB, in the paper's convention: what it printed",
            lambda row: row.published.psnr_paper_db if row.published else None,
        ),
        _number(
            "difference",
            "dB: ours minus the published",
            lambda row: row.difference_db,
            "{:+.2f}".format,
        ),
        _number("score", "of the objective: the larger the better", lambda row: row.result.score),
        Column(
            "gain",
            f"dB over {base}, with its {interval} over the repeats",
            True,
            lambda row: _with_interval(row.gain) if row.gain else Cell(),
        ),
        _number(
            "p",
            "of the gain: how probable one as large is by chance (Welch's t-test, uncorrected)",
            lambda row: row.gain.p if row.gain else None,
            lambda p: "< 0.001" if p < 0.001 else f"{p:.3f}",
        ),
        _number(
            "passes at",
            f"first step kept at which its curve is above the PSNR of {base}",
            lambda row: row.passes,
            str,
        ),
        _number("seconds", "of training", lambda row: row.result.seconds, "{:,.1f}".format),
        _text("status", "how the training ended, if not complete, and why", _status),
    ]


def _text(title: str, meaning: str, of: Callable[[Row], str]) -> Column:
    return Column(title, meaning, False, lambda row: Cell(of(row), of(row) or None))


def _number(
    title: str,
    meaning: str,
    of: Callable[[Row], float | None],
    shown: Callable[[float], str] = "{:.2f}".format,
) -> Column:
    def cell(row: Row) -> Cell:
        value = of(row)
        return Cell() if value is None else Cell(shown(value), value)

    return Column(title, meaning, True, cell)


def _size(axis: str, meaning: str) -> Column:
    return _number(
        AXIS_LETTERS[axis], meaning, lambda row: row.result.trial.ensemble.sizes()[axis], str
    )


def _cost(title: str, meaning: str) -> Column:
    return _number(
        title, meaning, lambda row: getattr(row.result.trial.cost, title.lower()), format_quantity
    )


def _with_interval(measured: Estimate | Difference) -> Cell:
    return Cell(str(measured), measured.mean)


def _status(row: Row) -> str:
    return "" if row.result.status is TrialStatus.COMPLETE else row.result.status.value
