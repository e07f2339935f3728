"""The table of a report: its columns, without those that are empty or constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from enas_inr.reports.rows import Results, Row
from enas_inr.reports.settings import backbone_text
from enas_inr.reports.statistics import CONFIDENCE
from enas_inr.result import TrialStatus
from enas_inr.spec.architecture import AXIS_LETTERS
from enas_inr.validation import format_quantity


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: short title.
        meaning: description with the unit; empty if the title says it.
        value: returns a number, a text, or a mean with its interval; None if it is unknown.
        shown: formats a value.
        numeric: whether the values are numbers.
    """

    title: str
    meaning: str
    value: Callable[[Row], Any]
    shown: Callable[[Any], str] = "{:.2f}".format
    numeric: bool = True

    def text(self, row: Row) -> str:
        """Return the cell of a row as text; empty if the value is unknown."""
        value = self.value(row)
        return "" if value is None else self.shown(value)

    def key(self, row: Row) -> float | str | None:
        """Return the key by which a row is sorted; None sorts it after all others."""
        value = self.value(row)
        return None if value is None or value == "" else getattr(value, "mean", value)


def columns_of(results: Results, only: Sequence[str] | None = None) -> list[Column]:
    """Return the columns of the table without those that are empty in all rows.

    Args:
        results: the results.
        only: titles of the columns to keep; None for all.
    """
    base = f"the baseline, {results.report.baseline}"
    return [
        replace(column, meaning=column.meaning.format(interval=_INTERVAL, base=base))
        for column in _COLUMNS
        if only is None or column.title in only
        if len({column.text(row) for row in results.rows} - {""}) > (column.title in _VARYING)
    ]


def status_text(row: Row) -> str:
    """Return how the training ended; empty if it is complete."""
    return "" if row.result.status is TrialStatus.COMPLETE else row.result.status.value


def _size(axis: str, meaning: str) -> Column:
    return Column(
        AXIS_LETTERS[axis], meaning, lambda row: row.result.trial.ensemble.sizes()[axis], str
    )


def _cost(title: str, meaning: str) -> Column:
    cost = attrgetter(f"result.trial.cost.{title.lower()}")
    return Column(title, meaning, cost, format_quantity)


_INTERVAL = f"{CONFIDENCE:.0%} confidence interval over the repeats"
_VARYING = ("signal", "backbone")  # they are shown only where they differ
_GIVEN = "PSNR in dB, in the paper's convention: "
_COLUMNS = (
    Column("name", "", attrgetter("name"), str, numeric=False),
    Column("study", "", attrgetter("study.label"), str, numeric=False),
    Column("signal", "", attrgetter("study.spec.about_text"), str, numeric=False),
    Column(
        "backbone", "kind of sub-network, with the options that were given",
        lambda row: backbone_text(row.study.spec, row.result.trial.ensemble), str, numeric=False,
    ),
    _size("grid", "cells along each axis"),
    _size("depth", "hidden layers between the first and the last"),
    _size("width", "units of a hidden layer"),
    Column(
        "recipe", "the settings and options that were searched",
        lambda row: row.study.spec.space.further(row.result.trial.configuration), str,
        numeric=False,
    ),
    _cost("FLOPs", "cost of evaluating the whole signal once"),
    _cost("parameters", "number of parameters of all cells"),
    _cost("bytes", "size of all numbers as float32"),
    Column(
        "PSNR", "PSNR in dB, in the usual convention: mean and {interval}",
        lambda row: row.psnr or status_text(row), str,
    ),
    Column(
        "over signals", "standard deviation over the signals of the set, in dB",
        lambda row: row.result.over and row.result.over.spread_db,
    ),
    Column("PSNR, paper's", _GIVEN + "6.02 dB lower", attrgetter("result.psnr_paper_db")),
    Column(
        "published", _GIVEN + "as printed there",
        lambda row: row.published and row.published.psnr_paper_db,
    ),
    Column(
        "difference", "reproduced minus published PSNR, in dB", attrgetter("difference_db"),
        "{:+.2f}".format,
    ),
    Column("score", "value of the objective; larger is better", attrgetter("result.score")),
    Column("gain", "PSNR over that of {base}, in dB, with its {interval}", attrgetter("gain"), str),
    Column(
        "p", "probability of a gain this large by chance (Welch's t-test, uncorrected)",
        lambda row: row.gain and row.gain.p, lambda p: "< 0.001" if p < 0.001 else f"{p:.3f}",
    ),
    Column(
        "passes at", "first recorded step at which its curve exceeds the PSNR of {base}",
        attrgetter("passes"), str,
    ),
    Column(
        "trained", "share that was trained, if not all", attrgetter("result.amount"), str,
        numeric=False,
    ),
    Column("seconds", "training time", attrgetter("result.seconds"), "{:,.1f}".format),
    Column(
        "status", "how the training ended, unless it is complete", status_text, str,
        numeric=False,
    ),
)  # fmt: skip
