"""The result of a search: its trials and its decisions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from enas_inr.result.signals import HeldOut
from enas_inr.result.trial import TrialResult, best_of
from enas_inr.spec import PSNR_OFFSET_DB, StudySpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SearchResult", "TraceStep", "compared"]


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
