"""What both observers write: settings, and numbers by name."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from enas_inr.executors.base import TrialProgress
from enas_inr.observers.base import FitEnd, FitStart, loss_of
from enas_inr.result import TrialResult
from enas_inr.spec import PSNR_OFFSET_DB, StudySpec, TrialSpec

Scalar = str | bool | int | float


def trial_settings(trial: TrialSpec, spec: StudySpec) -> dict[str, Scalar]:
    """Return the sizes of an architecture, its backbone, and its values on all axes searched."""
    configuration = trial.configuration
    sizes: dict[str, Any] = {"backbone": configuration.backbone, **configuration.sizes()}
    searched = {axis.name: configuration.value(axis.name) for axis in spec.space.axes}
    found = {**sizes, **searched, "repeats": trial.repeats}
    return {name: _scalar(value) for name, value in found.items() if value is not None}


def trial_numbers(result: TrialResult) -> dict[str, float]:
    """Return the metrics of a trial that are known, and its costs."""
    cost, fidelity = result.trial.cost, result.fidelity
    found = {
        "psnr_db": result.psnr_db,
        "psnr_std_db": result.psnr_std_db,
        "score": result.score,
        "flops": cost.flops,
        "parameters": cost.parameters,
        "bytes": cost.bytes,
        "seconds": result.seconds,
        "cells_trained": fidelity.cells,
        "learning_rate": result.learning_rate,
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def curve_numbers(result: TrialResult) -> dict[int, dict[str, float]]:
    """Return PSNR and loss by step: those of the mean PSNR over the repeats."""
    return {step: quality(psnr) for step, psnr in result.curve.mean().items()}


def progress_numbers(progress: TrialProgress) -> dict[str, float]:
    """Return PSNR and loss so far; empty before they are known."""
    return {} if progress.psnr_paper_db is None else quality(progress.psnr_paper_db)


def quality(psnr_paper_db: float) -> dict[str, float]:
    """Return the PSNR in the usual convention, and the mean squared error in [-1, 1]."""
    return {"psnr_db": psnr_paper_db + PSNR_OFFSET_DB, "loss": loss_of(psnr_paper_db)}


def fit_settings(start: FitStart) -> dict[str, Scalar]:
    """Return the architecture and the recipe of a fit."""
    ensemble, training = start.ensemble, start.training
    found = {
        "backbone": ensemble.backbone,
        **ensemble.sizes(),
        **flat(ensemble.options, ensemble.backbone),
        "signal": start.signal.name,
        "profile": training.profile,
        "steps": training.steps,
        "learning_rate": training.learning_rate,
        "optimizer": training.optimizer,
        "repeats": start.repeats,
        "seed": start.seed,
    }
    return {name: _scalar(value) for name, value in found.items() if value is not None}


def fit_numbers(end: FitEnd) -> dict[str, float]:
    """Return the metrics of a model that are numbers."""
    numbers = {
        name: float(value)
        for name, value in end.metrics.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Scalar]:
    """Return nested settings by names with dots."""
    found: dict[str, Scalar] = {}
    for name, value in values.items():
        whole = f"{before}.{name}" if before else name
        if isinstance(value, Mapping) and value:
            found |= flat(value, whole)
        elif value is not None:
            found[whole] = _scalar(value)
    return found


def named(group: str, numbers: Mapping[str, float]) -> dict[str, float]:
    """Return numbers with a group before their names."""
    return {f"{group}/{name}": value for name, value in numbers.items()}


def _scalar(value: object) -> Scalar:
    return value if isinstance(value, (str, bool, int, float)) else str(value)


class Best:
    """The best score so far, in a search that is observed from its beginning.

    Args:
        known: number of trials that the study had before.
    """

    def __init__(self, known: int = 0) -> None:
        self._known, self._score = known, -math.inf

    def after(self, result: TrialResult) -> dict[str, float]:
        """Return the best score after a trial; empty if it has none, or others came before."""
        if result.score is None or self._known:
            return {}
        self._score = max(self._score, result.score)
        return {"best_score": self._score}


class Pace:
    """Limits how often something is written.

    Args:
        seconds: least time between two writes under one name.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: dict[str, float] = {}

    def due(self, name: str) -> bool:
        """Whether to write now under a name."""
        now = time.monotonic()
        if now - self._last.get(name, -math.inf) < self._seconds:
            return False
        self._last[name] = now
        return True
