"""The search: one loop that joins strategy, executor and store, and knows no concrete one."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Protocol

from enas_inr.cost import FeasibleSpace
from enas_inr.errors import TrainingError
from enas_inr.executors.base import Executor, TrialProgress
from enas_inr.executors.self_running import Loop, SelfRunning
from enas_inr.objectives.base import Objective
from enas_inr.result import Picture, TrialResult, TrialStatus
from enas_inr.spec import EnsembleSpec, StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy

if TYPE_CHECKING:
    from enas_inr.studies.pictures import StoredPicture

BATCH = 64  # architectures to ask a strategy for at once


class Observer:
    """Is told what a search does; here it ignores everything."""

    def started(self, study: str, storage: str, known: int, most: int) -> None:
        """Called first: trials that the study has already, and how many it can have at most."""

    def said(self, line: str) -> None:
        """Called when an executor has something to tell the user."""

    def progressed(self, progress: TrialProgress) -> None:
        """Called while a trial is trained."""

    def finished(self, result: TrialResult) -> None:
        """Called when a trial has been scored and stored."""


class Records(Protocol):
    """Where the loop keeps results; `enas_inr.studies.store.Store` is the real one."""

    def results(self) -> list[TrialResult]:
        """The trials that have ended, in the order of their numbers."""

    def add(self, result: TrialResult, picture: Picture | StoredPicture | None = None) -> None:
        """Keep one more, with its picture if it has one."""


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
    """Let the strategy propose, the executor train, the records keep, until the search has ended.

    Trials that failed before (a full memory, a bug in a plugin) are tried again.

    Args:
        spec: what the study is about.
        space: the architectures within the budget.
        strategy: proposes them.
        objective: scores complete trials.
        executor: trains them.
        records: where results are kept.
        observer: is told what happens.
        pictures: what the executor handed over, by the architecture's key; each is taken out when
            its trial is kept.

    Returns:
        All trials of the study, those that were on record before included.
    """
    recorded = records.results()
    history = [result for result in recorded if result.status is not TrialStatus.FAILED]
    failed = len(recorded) - len(history)
    costs = {c.spec.key(): c.cost for c in space.feasible}

    def make_trial(ensemble: EnsembleSpec, number: int) -> TrialSpec:
        return TrialSpec(
            number=number,
            ensemble=ensemble,
            cost=costs[ensemble.key()],
            training=spec.training,
            repeats=spec.repeats,
            seed=spec.seed,
        )

    def keep(result: TrialResult) -> None:
        # Numbered by the order of their ends: an executor may finish a later one first.
        number = failed + len(history)
        trial = result.trial.model_copy(update={"number": number})
        result = result.model_copy(update={"trial": trial})
        if result.status is TrialStatus.COMPLETE:
            result = result.model_copy(update={"score": objective.score(result)})
        records.add(result, pictures.pop(result.key, None) if pictures else None)
        history.append(result)
        observer.finished(result)

    if isinstance(strategy, SelfRunning):
        strategy.run(Loop(executor, history, make_trial, objective.score, keep))
        return history
    while proposals := strategy.propose(history, (), BATCH):
        first = failed + len(history)
        trials = [make_trial(spec, first + index) for index, spec in enumerate(proposals)]
        for result in executor.run(trials):
            keep(result)
        returned = failed + len(history) - first
        if returned != len(proposals):
            raise TrainingError(
                f"the executor returned {returned} of {len(proposals)} trials",
                "this is a bug of the executor",
            )
    return history
