"""The observer `mlflow`: a run for each search and each fit, and inside one for each trial."""

from __future__ import annotations

from collections.abc import Mapping

from enas_inr.errors import PluginError
from enas_inr.executors.base import TrialProgress
from enas_inr.observers.base import FitEnd, FitStart, Observer, Outcome, SearchEnd, SearchStart
from enas_inr.result import TrialResult, TrialStatus
from enas_inr.spec import TrialSpec
from enas_inr_tracking.options import MLflowOptions
from enas_inr_tracking.values import (
    Best,
    Pace,
    curve_numbers,
    fit_numbers,
    fit_settings,
    flat,
    named,
    progress_numbers,
    trial_numbers,
    trial_settings,
)

PARENT = "mlflow.parentRunId"
STUDY, STORAGE, TRIAL = "enas_inr.study", "enas_inr.storage", "enas_inr.trial"
STATES: Mapping[Outcome, str] = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
TRIAL_STATES = {TrialStatus.COMPLETE: "FINISHED", TrialStatus.STOPPED: "KILLED"}


class MLflow(Observer):
    """Writes parameters, metrics and states.

    The run of a search has metrics by the number of the trial. That of a trial has its learning
    curve (`psnr_db`, `loss`), its progress (`live/psnr_db`, `live/loss`), and its results
    (`final/...`). A search that is continued goes on in its run.
    """

    def __init__(self, options: MLflowOptions = MLflowOptions()) -> None:
        try:
            from enas_inr_tracking.client import Client
        except ImportError as error:
            raise PluginError(
                f"the observer 'mlflow' needs a package that is missing: {error}",
                "run: pip install 'enas-inr-tracking[mlflow]'",
            ) from None
        self._client = Client(options.uri, options.experiment)
        self._pace, self._best = Pace(options.every), Best()
        self._start: SearchStart | None = None
        self._search = self._fit = ""
        self._trials: dict[str, str] = {}
        self._step = 0

    def search_started(self, start: SearchStart) -> None:
        """Begin the run of the search, or go on in it."""
        self._start, self._best = start, Best(start.known)
        tags = {STUDY: start.study, STORAGE: start.storage}
        self._search = self._client.find(tags)
        if self._search:
            self._client.resume(self._search)
        else:
            settings = flat(start.spec.model_dump(mode="json"))
            self._search = self._client.begin(start.study, tags, settings)

    def trial_started(self, trial: TrialSpec) -> None:
        """Begin the run of a trial; of a set, a trial starts once for each signal."""
        key = trial.configuration.key()
        if key not in self._trials:
            self._trials[key] = self._begin(trial)

    def trial_progressed(self, trial: TrialSpec, progress: TrialProgress) -> None:
        """Write PSNR and loss so far."""
        run, numbers = self._trials.get(trial.configuration.key()), progress_numbers(progress)
        if run and numbers and self._pace.due(run):
            self._client.write(run, {progress.step: named("live", numbers)})

    def trial_finished(self, result: TrialResult) -> None:
        """Write the learning curve and the results, and end the run."""
        trial, numbers = result.trial, trial_numbers(result)
        run = self._trials.pop(result.key, "") or self._begin(trial)
        self._client.write(run, curve_numbers(result))
        self._client.write(run, {trial.steps: named("final", numbers)})
        self._client.tag(run, TRIAL, str(trial.number))
        self._client.end(run, TRIAL_STATES.get(result.status, "FAILED"), result.message)
        self._client.write(self._search, {trial.number: numbers | self._best.after(result)})

    def search_ended(self, end: SearchEnd) -> None:
        """Write which trial is the best, and end all runs."""
        assert self._start is not None
        for run in self._trials.values():
            self._client.end(run, "KILLED")
        self._trials.clear()
        if end.best:
            label = self._start.spec.space.label(end.best.trial.configuration)
            self._client.tag(self._search, "enas_inr.best", label)
        self._client.end(self._search, STATES[end.outcome], end.message)

    def fit_started(self, start: FitStart) -> None:
        """Begin the run of a fit."""
        tags = {"enas_inr.model": str(start.path)}
        self._fit = self._client.begin(f"fit {start.path.stem}", tags, fit_settings(start))

    def fit_progressed(self, progress: TrialProgress) -> None:
        """Write PSNR and loss so far."""
        self._step, numbers = progress.step, progress_numbers(progress)
        if numbers and self._pace.due("fit"):
            self._client.write(self._fit, {progress.step: named("live", numbers)})

    def fit_ended(self, end: FitEnd) -> None:
        """Write the metrics of the model, and end the run."""
        self._client.write(self._fit, {self._step: named("final", fit_numbers(end))})
        self._client.end(self._fit, STATES[end.outcome], end.message)

    def _begin(self, trial: TrialSpec) -> str:
        assert self._start is not None
        spec = self._start.spec
        label = spec.space.label(trial.configuration)
        return self._client.begin(label, {PARENT: self._search}, trial_settings(trial, spec))
