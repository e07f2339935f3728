"""An observer that writes each event as a line of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from enas_inr.executors.base import TrialProgress
from enas_inr.observers.base import (
    FitEnd,
    FitStart,
    Observer,
    SearchEnd,
    SearchStart,
    loss_of,
)
from enas_inr.observers.options import JsonLinesOptions
from enas_inr.result import TrialResult
from enas_inr.spec import PSNR_OFFSET_DB, Configuration, TrialSpec


class JsonLines(Observer):
    """Adds a line for each event to a file, with the time and the name of the event."""

    def __init__(self, options: JsonLinesOptions = JsonLinesOptions()) -> None:
        self._path, self._every = Path(options.path), options.every
        self._label: Callable[[Configuration], str] = Configuration.label
        self._told: dict[str, float] = {}

    def search_started(self, start: SearchStart) -> None:
        """Write the study and its settings."""
        self._label = start.spec.space.label
        self._write(
            "search_started",
            study=start.study,
            storage=start.storage,
            known=start.known,
            most=start.most,
            settings=start.spec.model_dump(mode="json"),
        )

    def trial_started(self, trial: TrialSpec) -> None:
        """Write the configuration and its cost."""
        self._write(
            "trial_started",
            number=trial.number,
            label=self._label(trial.configuration),
            configuration=trial.configuration.model_dump(mode="json"),
            cost=trial.cost.model_dump(mode="json"),
            signal=trial.signal,
        )

    def trial_progressed(self, trial: TrialSpec, progress: TrialProgress) -> None:
        """Write step, PSNR and loss."""
        if self._due(trial.configuration.key()):
            self._write("trial_progressed", **_numbers(progress))

    def trial_finished(self, result: TrialResult) -> None:
        """Write status, PSNR and score."""
        self._write(
            "trial_finished",
            number=result.trial.number,
            label=self._label(result.trial.configuration),
            amount=result.amount,
            status=result.status.value,
            psnr_db=result.psnr_db,
            score=result.score,
            seconds=result.seconds,
            message=result.message,
        )

    def search_ended(self, end: SearchEnd) -> None:
        """Write the best trial."""
        best = end.best
        self._write(
            "search_ended",
            outcome=end.outcome,
            message=end.message,
            seconds=end.seconds,
            best=best
            and {
                "number": best.trial.number,
                "label": self._label(best.trial.configuration),
                "psnr_db": best.psnr_db,
                "score": best.score,
            },
        )

    def fit_started(self, start: FitStart) -> None:
        """Write the architecture and the recipe."""
        self._write(
            "fit_started",
            path=str(start.path),
            signal=start.signal.model_dump(mode="json"),
            architecture=start.ensemble.model_dump(mode="json"),
            training=start.training.model_dump(mode="json"),
            repeats=start.repeats,
            seed=start.seed,
        )

    def fit_progressed(self, progress: TrialProgress) -> None:
        """Write step, PSNR and loss."""
        if self._due("fit"):
            self._write("fit_progressed", **_numbers(progress))

    def fit_ended(self, end: FitEnd) -> None:
        """Write the metrics of the model."""
        self._write(
            "fit_ended",
            outcome=end.outcome,
            message=end.message,
            seconds=end.seconds,
            metrics=dict(end.metrics),
        )

    def _due(self, name: str) -> bool:
        now = time.monotonic()
        due = now - self._told.get(name, -self._every) >= self._every
        if due:
            self._told[name] = now
        return due

    def _write(self, event: str, **values: object) -> None:
        line = json.dumps({"time": time.time(), "event": event, **values}, allow_nan=False)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _numbers(progress: TrialProgress) -> Mapping[str, Any]:
    psnr = progress.psnr_paper_db
    return {
        "number": progress.number,
        "label": progress.label,
        "done": progress.done,
        "step": progress.step,
        "psnr_db": None if psnr is None else psnr + PSNR_OFFSET_DB,
        "loss": None if psnr is None else loss_of(psnr),
    }
