"""The loop of a search, which joins any strategy, executor and store."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Protocol

from enas_inr.cost import FeasibleSpace
from enas_inr.errors import TrainingError
from enas_inr.executors.base import Executor, TrialProgress
from enas_inr.executors.parts import merged, part_of
from enas_inr.executors.self_running import Loop, SelfRunning
from enas_inr.objectives.base import Objective
from enas_inr.result import Picture, TrialResult, TrialStatus
from enas_inr.spec import Configuration, Fidelity, StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.studies.forecast import Forecast
    from enas_inr.studies.pictures import StoredPicture

BATCH = 64  # number of configurations requested from a strategy at once


class Observer:
    """Receives the events of a search; this base class ignores them."""

    def planned(
        self,
        spec: StudySpec,
        space: FeasibleSpace,
        forecast: Callable[[], Forecast | None] = lambda: None,
    ) -> None:
        """Called first, with what is searched and a function that measures how long it takes."""

    def started(self, study: str, storage: str, known: int, most: int) -> None:
        """Called next, with the number of trials that the study has and can have at most."""

    def said(self, line: str) -> None:
        """Called with a message of an executor for the user."""

    def progressed(self, progress: TrialProgress) -> None:
        """Called while a trial is trained."""

    def finished(self, result: TrialResult) -> None:
        """Called when a trial has been scored and stored."""


class Records(Protocol):
    """Where the loop keeps results, such as `enas_inr.studies.store.Store`."""

    def results(self) -> list[TrialResult]:
        """The trials that have ended, in the order of their numbers."""

    def add(self, result: TrialResult, picture: Picture | StoredPicture | None = None) -> None:
        """Keep a result, with its picture if it has one."""


def scored(result: TrialResult, objective: Objective, floor_db: float) -> TrialResult:
    """Return a complete trial with its score, and what it falls short of.

    Args:
        result: the trial.
        objective: the objective of the study.
        floor_db: decibels by which every trial must be better than a constant for each cell.
    """
    short = objective.shortfall_db(result)
    if result.flat_db is not None and result.psnr_db is not None:
        short = max(short, result.flat_db + floor_db - result.psnr_db)
    return result.model_copy(
        update={
            "score": objective.score(result),
            "score_interval": objective.worth * result.interval_db,
            "shortfall_db": max(0.0, short),
        }
    )


def run_loop(
    spec: StudySpec,
    space: FeasibleSpace,
    strategy: Strategy,
    objective: Objective,
    executor: Executor,
    records: Records,
    observer: Observer,
    pictures: MutableMapping[str, Picture | StoredPicture] | None = None,
) -> list[TrialResult]:
    """Propose, train and keep trials until the search has ended.

    Trials that failed before (because of full memory, for example) are tried again.

    Args:
        spec: specification of the study.
        space: the configurations within the budget.
        strategy: proposes configurations.
        objective: scores complete trials.
        executor: trains trials.
        records: keeps results.
        observer: receives the events.
        pictures: pictures from the executor, by the key of the configuration; each one is removed
            when its trial is kept.

    Returns:
        All trials of the study, including those that were on record before.
    """
    recorded = records.results()
    history = [result for result in recorded if result.status is not TrialStatus.FAILED]
    failed = len(recorded) - len(history)

    latest = {result.key: result for result in history}

    def make_trial(configuration: Configuration, number: int) -> TrialSpec:
        fidelity = configuration.fidelity or Fidelity(repeats=spec.repeats)
        found = space.find(configuration)
        assert found, f"{configuration.label()} is not feasible"  # a proposal, which is checked
        return TrialSpec(
            number=number,
            ensemble=configuration.ensemble,
            cost=found.cost,
            training=configuration.training(spec.training),
            recipe=configuration.recipe,
            part=part_of(fidelity, space.cells(configuration), latest.get(configuration.key())),
            repeats=fidelity.repeats,
            seed=spec.seed,
        )

    def keep(result: TrialResult) -> None:
        # Numbered in the order in which they end, since an executor may finish a later one first.
        number = failed + len(history)
        trial = result.trial.model_copy(update={"number": number})
        result = result.model_copy(update={"trial": trial})
        before = latest.get(result.key)
        if before and trial.part and (trial.part.first_cell or trial.part.first_repeat):
            result = merged(before, result)
        if result.status is TrialStatus.COMPLETE:
            result = scored(result, objective, spec.floor_db)
        records.add(result, pictures.pop(result.key, None) if pictures else None)
        history.append(result)
        latest[result.key] = result
        observer.finished(result)

    if isinstance(strategy, SelfRunning):
        strategy.run(Loop(executor, history, make_trial, objective.score, keep))
        return history
    while proposals := strategy.propose(history, (), BATCH):
        first = failed + len(history)
        trials = [make_trial(one, first + index) for index, one in enumerate(proposals)]
        for result in executor.run(trials):
            keep(result)
        returned = failed + len(history) - first
        if returned != len(proposals):
            raise TrainingError(
                f"the executor returned {returned} of {counted(len(proposals), 'trial')}",
                "this is a bug of the executor",
            )
    return history
