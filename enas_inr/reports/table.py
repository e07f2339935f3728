"""The table of a report: the columns that say something about its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from enas_inr.reports.rows import Results, Row
from enas_inr.reports.settings import backbone_text
from enas_inr.reports.statistics import CONFIDENCE
from enas_inr.result import TrialStatus
from enas_inr.spec import AXIS_LETTERS
from enas_inr.validation import format_quantity


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: short.
        meaning: what it says, with the unit; empty: the title says it.
        value: of a row: a number, a text, or a mean with its interval; None: nothing is known.
        shown: a value for people.
        numeric: whether its values are numbers.
    """

    title: str
    meaning: str
    value: Callable[[Row], Any]
    shown: Callable[[Any], str] = "{:.2f}".format
    numeric: bool = True

    def text(self, row: Row) -> str:
        """A row's cell for people; empty: nothing is known."""
        value = self.value(row)
        return "" if value is None else self.shown(value)

    def key(self, row: Row) -> float | str | None:
        """By what a row is sorted; None: after all others."""
        value = self.value(row)
        return getattr(value, "mean", value) if self.text(row) else None


def columns_of(results: Results, only: Sequence[str] | None = None) -> list[Column]:
    """The columns of the table; those that are empty in all rows are left out.

    Args:
        results: the rows.
        only: the titles of those to keep, as far as there are such; None: all.
    """
    return [
        column
        for column in _columns(results)
        if only is None or column.title in only
        if any(column.text(row) for row in results.rows)
    ]


def status_text(row: Row) -> str:
    """How the training ended, if it is not complete."""
    return "" if row.result.status is TrialStatus.COMPLETE else row.result.status.value


def _columns(results: Results) -> list[Column]:
    several_kinds = len({backbone_text(study.spec) for study in results.report.studies}) > 1
    several_signals = len(results.groups) > 1
    base = f"the baseline, {results.report.baseline}"
    interval = f"{CONFIDENCE:.0%} confidence interval over the repeats"

    def text(title: str, meaning: str, value: Callable[[Row], str]) -> Column:
        return Column(title, meaning, value, str, numeric=False)

    def size(axis: str, meaning: str) -> Column:
        return Column(
            AXIS_LETTERS[axis], meaning, lambda row: row.result.trial.ensemble.sizes()[axis], str
        )

    def cost(title: str, meaning: str) -> Column:
        name = title.lower()
        return Column(
            title, meaning, lambda row: getattr(row.result.trial.cost, name), format_quantity
        )

    return [
        text("name", "", lambda row: row.name),
        text("study", "", lambda row: row.study.label),
        text("signal", "", lambda row: row.study.spec.signal.name if several_signals else ""),
        text(
            "backbone",
            "kind of sub-network, and the options that were asked for",
            lambda row: backbone_text(row.study.spec) if several_kinds else "",
        ),
        size("grid", "cells along each axis"),
        size("depth", "hidden layers between the first and the last"),
        size("width", "units of a hidden layer"),
        cost("FLOPs", "of one evaluation of the whole signal"),
        cost("parameters", "of all cells together"),
        cost("bytes", "of all stored numbers as float32"),
        Column("PSNR", f"dB, the usual one: mean and {interval}", _psnr, str),
        Column(
            "PSNR, paper's",
            "dB, in the paper's convention: 6.02 less",
            lambda row: row.result.psnr_paper_db,
        ),
        Column(
            "published",
            "dB, in the paper's convention: what it printed",
            lambda row: row.published.psnr_paper_db if row.published else None,
        ),
        Column(
            "difference",
            "dB: ours minus the published",
            lambda row: row.difference_db,
            "{:+.2f}".format,
        ),
        Column("score", "of the objective: the larger the better", lambda row: row.result.score),
        Column("gain", f"dB over {base}, with its {interval}", lambda row: row.gain, str),
        Column(
            "p",
            "of the gain: how probable one as large is by chance (Welch's t-test, uncorrected)",
            lambda row: row.gain.p if row.gain else None,
            lambda p: "< 0.001" if p < 0.001 else f"{p:.3f}",
        ),
        Column(
            "passes at",
            f"first step kept at which its curve is above the PSNR of {base}",
            lambda row: row.passes,
            str,
        ),
        Column("seconds", "of training", lambda row: row.result.seconds, "{:,.1f}".format),
        text("status", "how the training ended, if not complete, and why", status_text),
    ]


def _psnr(row: Row) -> Any:
    return row.psnr or status_text(row)
