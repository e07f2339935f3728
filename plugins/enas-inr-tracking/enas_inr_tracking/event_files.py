"""The observer `tensorboard`: event files in a folder for each search, trial and fit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.errors import PluginError
from enas_inr.executors.base import TrialProgress
from enas_inr.observers.base import FitEnd, FitStart, Observer, SearchEnd, SearchStart
from enas_inr.result import TrialResult
from enas_inr.spec import TrialSpec
from enas_inr_tracking.options import TensorBoardOptions
from enas_inr_tracking.values import (
    Best,
    Pace,
    curve_numbers,
    fit_numbers,
    fit_settings,
    named,
    progress_numbers,
    trial_numbers,
    trial_settings,
)

if TYPE_CHECKING:
    from enas_inr_tracking.files import Run

LONGEST = 120  # characters of the name of a folder


class TensorBoard(Observer):
    """Writes scalars and hyperparameters.

    The folder of a search has scalars by the number of the trial. Each trial has a folder inside,
    with its learning curve (`psnr_db`, `loss`), its progress (`live/psnr_db`, `live/loss`), and
    its settings and results for the table of the tab HPARAMS.
    """

    def __init__(self, options: TensorBoardOptions = TensorBoardOptions()) -> None:
        try:
            from enas_inr_tracking.files import Run
        except ImportError as error:
            raise PluginError(
                f"the observer 'tensorboard' needs a package that is missing: {error}",
                "run: pip install 'enas-inr-tracking[tensorboard]'",
            ) from None
        self._open = Run
        self._folder = Path(options.folder).absolute()
        self._pace, self._best = Pace(options.every), Best()
        self._start: SearchStart | None = None
        self._search: Run | None = None
        self._trials: dict[str, Run] = {}
        self._begun = 0
        self._fit: Run | None = None
        self._fit_start: FitStart | None = None
        self._step = 0

    def search_started(self, start: SearchStart) -> None:
        """Open the folder of the search, and write its settings as text."""
        self._start, self._begun, self._best = start, start.known, Best(start.known)
        self._search = self._open(self._folder / _name(start.study))
        settings = json.dumps(start.spec.model_dump(mode="json"), indent=2)
        self._search.text("settings", f"    {settings}".replace("\n", "\n    "))
        self._search.flush()

    def trial_progressed(self, trial: TrialSpec, progress: TrialProgress) -> None:
        """Write PSNR and loss so far."""
        numbers = progress_numbers(progress)
        if numbers and self._pace.due(trial.configuration.key()):
            run = self._of_trial(trial)
            run.scalars(named("live", numbers), progress.step)
            run.flush()

    def trial_finished(self, result: TrialResult) -> None:
        """Write the learning curve, the settings and the results."""
        assert self._start is not None
        assert self._search is not None
        trial, numbers = result.trial, trial_numbers(result)
        run = self._of_trial(trial)
        for step, values in curve_numbers(result).items():
            run.scalars(values, step)
        settings = trial_settings(trial, self._start.spec) | {"status": result.status.value}
        run.hparams(settings, named("final", numbers), trial.steps)
        self._trials.pop(result.key).close()
        self._search.scalars(named("trials", numbers | self._best.after(result)), trial.number)
        self._search.flush()

    def search_ended(self, end: SearchEnd) -> None:
        """Write which trial is the best, and close all files."""
        assert self._start is not None
        assert self._search is not None
        label = end.best and self._start.spec.space.label(end.best.trial.configuration)
        parts = (end.outcome, end.message, f"best: {label}" if label else "")
        self._search.text("end", "; ".join(filter(None, parts)))
        for run in (self._search, *self._trials.values()):
            run.close()
        self._trials.clear()

    def fit_started(self, start: FitStart) -> None:
        """Open the folder of the fit."""
        self._fit_start = start
        self._fit = self._open(_unused(self._folder / _name(f"fit {start.path.stem}")))

    def fit_progressed(self, progress: TrialProgress) -> None:
        """Write PSNR and loss so far."""
        assert self._fit is not None
        self._step, numbers = progress.step, progress_numbers(progress)
        if numbers and self._pace.due("fit"):
            self._fit.scalars(named("live", numbers), progress.step)
            self._fit.flush()

    def fit_ended(self, end: FitEnd) -> None:
        """Write the settings and the metrics of the model."""
        assert self._fit is not None
        assert self._fit_start is not None
        settings = fit_settings(self._fit_start) | {"status": end.outcome}
        self._fit.hparams(settings, named("final", fit_numbers(end)), self._step)
        self._fit.close()

    def _of_trial(self, trial: TrialSpec) -> Run:
        """Return the open run of a trial; the first time, in a new folder."""
        assert self._start is not None
        key = trial.configuration.key()
        if key not in self._trials:
            label = self._start.spec.space.label(trial.configuration)
            name = _name(f"{self._begun:04d} {label}")
            folder = self._folder / _name(self._start.study) / name
            self._trials[key] = self._open(_unused(folder))
            self._begun += 1
        return self._trials[key]


def _name(text: str) -> str:
    """Return text as the name of a folder."""
    return re.sub(r"[^\w.=+,@ -]", "_", text)[:LONGEST].strip(". ") or "_"


def _unused(folder: Path) -> Path:
    """Return a folder, with a number if it exists: of a run that was interrupted, perhaps."""
    number, found = 2, folder
    while found.exists():
        found, number = folder.with_name(f"{folder.name} ({number})"), number + 1
    return found
