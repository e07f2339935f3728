"""The contract of an observer, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from enas_inr.executors.base import TrialProgress
from enas_inr.result import TrialResult
from enas_inr.spec import EnsembleSpec, SignalInfo, StudySpec, TrainingSpec, TrialSpec

__all__ = ["FitEnd", "FitStart", "Observer", "Outcome", "SearchEnd", "SearchStart", "loss_of"]

Outcome = Literal["finished", "stopped", "failed"]
"""How a search or a fit ended: to its end, on request, or by an error."""


@dataclass(frozen=True)
class SearchStart:
    """The beginning of a search, or of its continuation.

    Attributes:
        study: name of the study.
        storage: where it is kept, without passwords.
        spec: its settings: signals, search space, budget, strategy, training, objective.
        known: number of trials that the study has already.
        most: number of trials that it can have.
    """

    study: str
    storage: str
    spec: StudySpec
    known: int
    most: int


@dataclass(frozen=True)
class SearchEnd:
    """The end of a search.

    Attributes:
        outcome: how it ended.
        message: why it stopped or failed.
        best: the best trial of the study; None if none is complete, or the search failed.
        seconds: duration of this run.
    """

    outcome: Outcome
    message: str
    best: TrialResult | None
    seconds: float


@dataclass(frozen=True)
class FitStart:
    """The beginning of a fit.

    Attributes:
        path: the model file that it will write.
        signal: metadata of the signal.
        ensemble: the architecture, before its options are filled in.
        training: how it is trained.
        repeats: number of trainings.
        seed: the random seed.
    """

    path: Path
    signal: SignalInfo
    ensemble: EnsembleSpec
    training: TrainingSpec
    repeats: int
    seed: int


@dataclass(frozen=True)
class FitEnd:
    """The end of a fit.

    Attributes:
        outcome: how it ended.
        message: why it stopped or failed.
        metrics: what `enas-inr fit --json` prints, such as `psnr_db`, `bytes` and `flops`; empty
            unless it finished.
        seconds: duration of this call.
    """

    outcome: Outcome
    message: str
    metrics: Mapping[str, object]
    seconds: float


class Observer:
    """Is told what happens; each method does nothing unless it is overridden.

    Constructed with its options, if it has any, once for each search or fit. Its methods are called
    in the process of the search, in the order of the events, and should return soon. It changes
    nothing: whatever it does, the results are the same. If it raises an exception, the user is
    warned once, and it is told nothing more.

    Trials can be trained at the same time. They are numbered in the order in which they end; until
    then, `TrialSpec.number` and `TrialProgress.number` are that with which they began. A
    configuration (`TrialSpec.configuration.key()`, `TrialResult.key`) is trained once at a time,
    but can come again with more cells, steps or repeats.
    """

    def search_started(self, start: SearchStart) -> None:
        """Called first in a search."""

    def trial_started(self, trial: TrialSpec) -> None:
        """Called when an executor takes a trial; of a set, for each signal."""

    def trial_progressed(self, trial: TrialSpec, progress: TrialProgress) -> None:
        """Called while a trial is trained, as often as its executor tells: every second or so."""

    def trial_finished(self, result: TrialResult) -> None:
        """Called when a trial has been scored and stored; of a set, with the aggregate.

        A result that was known from another study comes without the other two events.
        """

    def search_ended(self, end: SearchEnd) -> None:
        """Called last in a search, however it ends, unless the process is killed."""

    def fit_started(self, start: FitStart) -> None:
        """Called first in a fit."""

    def fit_progressed(self, progress: TrialProgress) -> None:
        """Called while a model is trained."""

    def fit_ended(self, end: FitEnd) -> None:
        """Called last in a fit, however it ends, unless the process is killed."""


def loss_of(psnr_paper_db: float) -> float:
    """Return the mean squared error, for values in [-1, 1], of a PSNR in the paper's convention."""
    loss: float = 10 ** (-psnr_paper_db / 10)
    return loss
