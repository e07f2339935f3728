"""Score complete trials."""

from __future__ import annotations

from enas_inr.objectives.base import Objective
from enas_inr.result import TrialResult

FAR_DB = 1000.0  # instead of an infinite interval, which a single cell has


def scored(result: TrialResult, objective: Objective, floor_db: float) -> TrialResult:
    """Return a complete trial with its score, and what it falls short of.

    Args:
        result: the trial.
        objective: the objective of the study.
        floor_db: decibels by which every trial must be better than a constant for each cell.
    """
    score = objective.score(result)
    half = score - objective.score(_lowered(result)) if result.sample else 0.0
    short = shortfall(result, objective, floor_db)
    return result.model_copy(update={"score": score, "score_interval": half, "shortfall_db": short})


def shortfall(result: TrialResult, objective: Objective, floor_db: float) -> float:
    """Return the decibels by which a complete trial falls short of what is demanded."""
    short = objective.shortfall_db(result)
    if result.flat_db is not None and result.psnr_db is not None:
        short = max(short, result.flat_db + floor_db - result.psnr_db)
    return max(0.0, short)


def _lowered(result: TrialResult) -> TrialResult:
    """Return the result that it would be at the lower end of the interval of its PSNR."""
    by_db = min(result.interval_db, FAR_DB)
    lower = [
        repeat.model_copy(update={"psnr_paper_db": repeat.psnr_paper_db - by_db})
        for repeat in result.repeats
        if repeat.psnr_paper_db is not None
    ]
    return result.model_copy(update={"repeats": tuple(lower)})
