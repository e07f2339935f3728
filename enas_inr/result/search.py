"""The result of a search: its trials and its decisions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from enas_inr.display import html, svg
from enas_inr.display.charts import plot_costs
from enas_inr.result.signals import HeldOut
from enas_inr.result.trial import TrialResult, best_of
from enas_inr.spec import PSNR_OFFSET_DB, StudySpec
from enas_inr.validation import counted, format_quantity

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["SearchResult", "TraceStep", "compared"]

MOST_ROWS, MOST_CURVES = 24, 4
"""Rows of the table, and curves, that a result shows of itself."""

HEADINGS = ("", "architecture", "FLOPs", "parameters", "PSNR dB", "sd", "score", "trained", "")


class Shown(Protocol):
    """A small picture or sound, such as `Picture`, whose content may be read when it is needed."""

    @property
    def mimetype(self) -> str:
        """MIME type of the content."""

    @property
    def content(self) -> bytes:
        """Content of a file."""


@dataclass(frozen=True)
class TraceStep:
    """One decision of a search.

    Attributes:
        iteration: number of the iteration, from 1.
        axis: axis that was searched; empty for a strategy that does not search axis by axis.
        candidates: trials that were compared, in the order of the space.
        choice: key of the chosen trial; None if none of them is complete.
    """

    iteration: int
    axis: str
    candidates: tuple[TrialResult, ...]
    choice: str | None


def compared(results: Iterable[TrialResult], trace: Iterable[TraceStep]) -> list[TrialResult]:
    """Return the trials among which a search chose, of which the best is its winner.

    Trials that were trained ahead, while workers were free, and then not needed are left out.

    Args:
        results: all trials, which are returned if none in the trace is complete.
        trace: the decisions of the search.
    """
    found = {result.trial.number: result for step in trace for result in step.candidates}
    ordered = [found[number] for number in sorted(found)]
    return ordered if best_of(ordered) else list(results)


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        best: the complete trial with the best score.
        trace: the strategy's decisions.
        trials: all of the study's trials, in the order of their numbers.
        seconds: duration of this call, which is short if the study was complete already.
        front: the Pareto front of the objectives; empty without objectives.
        held_out: what the best one reaches on signals that were kept out of the search.
        picture: the reconstruction of the best one, if the study keeps it.
        interrupted: whether this is the result so far of a search that was interrupted.
    """

    study: str
    storage: str
    spec: StudySpec
    best: TrialResult
    trace: tuple[TraceStep, ...]
    trials: tuple[TrialResult, ...]
    seconds: float
    front: tuple[TrialResult, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    picture: Shown | None = None
    interrupted: bool = False

    def __repr__(self) -> str:
        best, trials = self.best.trial.ensemble.label(), counted(len(self.trials), "trial")
        psnr = "" if self.best.psnr_db is None else f" {self.best.psnr_db:.2f} dB"
        so_far = ", interrupted" if self.interrupted else ""
        return f"<SearchResult: {best}{psnr}, {trials}, study {self.study!r}{so_far}>"

    def _repr_html_(self) -> str:
        best = self.best
        so_far = "(interrupted: the best so far)" if self.interrupted else ""
        rows = list(_shown(self))
        ranked = sorted(self.trials, key=lambda result: result.rank, reverse=True)[:MOST_CURVES]
        named = {one.trial.ensemble.label(): one.psnr_curve_db for one in ranked}
        return html.stacked(
            html.titled(f"best: {best.trial.ensemble.label()}", so_far),
            html.facts(
                [
                    ("PSNR dB", best.psnr_db),
                    ("score", best.score),
                    ("FLOPs", f"{best.trial.cost.flops:,}"),
                    ("parameters", f"{best.trial.cost.parameters:,}"),
                    ("trials", str(len(self.trials))),
                    ("study", self.study),
                    ("in", self.storage),
                ]
            ),
            _media(self.picture, self.spec.signal.name),
            html.table(
                HEADINGS, [row for row, _ in rows], [n for n, (_, c) in enumerate(rows) if c]
            ),
            svg.curves(named, "step", "PSNR (dB)"),
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw PSNR by FLOPs of all trials with matplotlib, on new axes by default.

        Returns:
            The axes.
        """
        trials = [(r.trial.cost.flops, r.psnr_db) for r in self.trials if r.psnr_db is not None]
        best = self.best.trial.cost.flops, self.best.psnr_db or 0.0
        label = self.best.trial.ensemble.label()
        return plot_costs(trials or [best], best, label, ("FLOPs", "PSNR (dB)"), ax)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as `enas-inr search --json` prints it."""
        of_set = {"signals": self._signals(), "held_out": [_held(o) for o in self.held_out]}
        return {
            "best": _row(self.best),
            **(of_set if self.spec.signals else {}),
            "trace": [
                {
                    "iteration": step.iteration,
                    "axis": step.axis,
                    "candidates": [_row(result) for result in step.candidates],
                    "choice": next(
                        (r.trial.number for r in step.candidates if r.key == step.choice), None
                    ),
                }
                for step in self.trace
            ],
            "front": [_row(result) for result in self.front],
            "trials": [_row(result) for result in self.trials],
            "seconds": round(self.seconds, 3),
            "study": self.study,
            "storage": self.storage,
        }

    def _signals(self) -> list[dict[str, Any]]:
        """Return what the best trial reaches on each signal of a set."""
        over = self.best.over
        return [
            {
                "signal": self.spec.signals[one.signal].name,
                "psnr_db": one.psnr_paper_db + PSNR_OFFSET_DB,
                "score": one.score,
            }
            for one in (over.signals if over else ())
        ]

    def to_dataframe(self) -> pd.DataFrame:
        """Return the trials as a table with one row for each."""
        import pandas as pd

        return pd.DataFrame([_row(result) for result in self.trials])


def _media(shown: Shown | None, title: str) -> str:
    """Return a picture or a player; nothing if there is none, or its file has gone."""
    try:
        return html.media(shown.content, shown.mimetype, title) if shown else ""
    except OSError:
        return ""


def _shown(found: SearchResult) -> Iterator[tuple[Sequence[html.Cell], bool]]:
    """Iterate over the rows of the trace, or of the best trials, and whether each was chosen.

    If there are many candidates, the best are shown.
    """
    if not found.trace:
        ranked = sorted(found.trials, key=lambda result: result.rank, reverse=True)
        for result in ranked[:MOST_ROWS]:
            chosen = result.key == found.best.key
            yield _cells(str(result.trial.number), result, "best" if chosen else ""), chosen
        return
    most = max(3, MOST_ROWS // len(found.trace))
    for step in found.trace:
        ranked = sorted(step.candidates, key=lambda result: result.rank, reverse=True)
        keys = {result.key for result in ranked[:most]} | {step.choice}
        kept = [result for result in step.candidates if result.key in keys]
        for place, result in enumerate(kept):
            chosen = result.key == step.choice
            first = "" if place else f"{step.iteration} {step.axis}".strip()
            yield _cells(first, result, "chosen" if chosen else ""), chosen


def _cells(first: str, result: TrialResult, note: str) -> Sequence[html.Cell]:
    cost = result.trial.cost
    return (
        first,
        result.trial.ensemble.label(),
        format_quantity(cost.flops),
        format_quantity(cost.parameters),
        result.psnr_db,
        result.psnr_std_db,
        result.score,
        result.amount or "in full",
        note or ("" if result.psnr_db is not None else result.status.value),
    )


def _held(one: HeldOut) -> dict[str, Any]:
    return one.model_dump() | {"regret": one.regret}


def _row(result: TrialResult) -> dict[str, Any]:
    spec = result.trial.ensemble
    return {
        "number": result.trial.number,
        "status": result.status.value,
        "backbone": spec.backbone,
        "options": spec.options,
        **spec.sizes(),
        "recipe": result.trial.recipe,
        **result.trial.cost.model_dump(),
        "psnr_db": result.psnr_db,
        "psnr_paper_db": result.psnr_paper_db,
        "psnr_std_db": result.psnr_std_db,
        "score": result.score,
        "cells": result.fidelity.cells,
        "interval_db": result.interval_db if math.isfinite(result.interval_db) else None,
        "seconds": round(result.seconds, 3),
        "message": result.message,
    }
