"""The loop of a search, which joins any strategy, executor and store."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from enas_inr.cost import FeasibleSpace
from enas_inr.errors import TrainingError
from enas_inr.executors.base import Executor, Supply, TrialProgress
from enas_inr.executors.parts import merged, part_of
from enas_inr.executors.self_running import Loop, SelfRunning
from enas_inr.objectives.base import Objective
from enas_inr.result import Picture, TrialResult, TrialStatus
from enas_inr.spec import Configuration, Fidelity, StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy
from enas_inr.studies.stopping import Stopping
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.studies.forecast import Forecast
    from enas_inr.studies.pictures import StoredPicture

FAR_DB = 1000.0  # instead of an infinite interval, which a single cell has

KnownResult = Callable[[TrialSpec], TrialResult | None]
"""Finds the result of an equal trial that was trained before."""


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

    def stopped(self, reason: str) -> None:
        """Called when the search stops before its strategy has ended, perhaps more than once."""

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
    score = objective.score(result)
    half = score - objective.score(_lowered(result)) if result.sample else 0.0
    return result.model_copy(
        update={"score": score, "score_interval": half, "shortfall_db": max(0.0, short)}
    )


def _lowered(result: TrialResult) -> TrialResult:
    """Return the result that it would be at the lower end of the interval of its PSNR."""
    by_db = min(result.interval_db, FAR_DB)
    lower = [
        repeat.model_copy(update={"psnr_paper_db": repeat.psnr_paper_db - by_db})
        for repeat in result.repeats
        if repeat.psnr_paper_db is not None
    ]
    return result.model_copy(update={"repeats": tuple(lower)})


def nothing_known(trial: TrialSpec) -> TrialResult | None:
    """Return None: no equal trial was trained before."""
    return None


def run_loop(
    spec: StudySpec,
    space: FeasibleSpace,
    strategy: Strategy,
    objective: Objective,
    executor: Executor,
    records: Records,
    observer: Observer,
    pictures: MutableMapping[str, Picture | StoredPicture] | None = None,
    known: KnownResult = nothing_known,
    stopping: Stopping = Stopping(),
) -> list[TrialResult]:
    """Propose, train and keep trials until the search has ended.

    The strategy is asked whenever a worker of the executor is free. Trials that failed before
    (because of full memory, for example) are tried again.

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
        known: finds results of trials that need not be trained.
        stopping: when to stop before the strategy has ended.

    Returns:
        All trials of the study, including those that were on record before.
    """
    recorded = records.results()
    history = [result for result in recorded if result.status is not TrialStatus.FAILED]
    search = _Search(
        spec=spec,
        space=space,
        strategy=strategy,
        objective=objective,
        records=records,
        observer=observer,
        pictures={} if pictures is None else pictures,
        known=known,
        stopping=stopping.begun(),
        history=history,
        failed=len(recorded) - len(history),
        latest={result.key: result for result in history},
    )
    if isinstance(strategy, SelfRunning):
        strategy.run(Loop(executor, history, search.make_trial, objective.score, search.keep))
        return history
    supply = Supply(search.more)
    for result in executor.run(supply):
        search.keep(result)
    if missing := len(search.pending):
        taken = len(supply.taken)
        raise TrainingError(
            f"the executor returned {taken - missing} of {counted(taken, 'trial')}",
            "this is a bug of the executor",
        )
    if supply.take(1):
        raise TrainingError(
            "the executor ended before the search did", "this is a bug of the executor"
        )
    return history


@dataclass(frozen=True, eq=False)
class _Search:
    """A search between its beginning and its end.

    Attributes:
        history: the trials that have ended.
        failed: number of trials that failed before this search began.
        latest: the last result of each configuration, by its key.
        pending: the configurations that are being trained, by key, in the order of their proposals.
    """

    spec: StudySpec
    space: FeasibleSpace
    strategy: Strategy
    objective: Objective
    records: Records
    observer: Observer
    pictures: MutableMapping[str, Picture | StoredPicture]
    known: KnownResult
    stopping: Stopping
    history: list[TrialResult]
    failed: int
    latest: dict[str, TrialResult]
    pending: dict[str, Configuration] = field(default_factory=dict)

    def more(self, free: int, most: int) -> list[TrialSpec]:
        """Return trials to train next: up to `most`, and `free` of them if there are so many."""
        found: list[TrialSpec] = []
        if reason := self.stopping.reason(self.history):
            self.observer.stopped(reason)
            return found
        most = max(free, min(most, self.stopping.most or most))
        n = free if self.strategy.one_by_one() else most
        while n > 0:
            proposals = self.strategy.propose(self.history, tuple(self.pending.values()), n)
            if not proposals:
                break
            for proposal in proposals:
                trial = self.make_trial(proposal, self._ended + len(self.pending))
                self.pending[proposal.key()] = proposal
                if result := self.known(trial):
                    self.keep(result)
                else:
                    found.append(trial)
            n = free - len(found)
        return found

    def make_trial(self, configuration: Configuration, number: int) -> TrialSpec:
        """Return the part of a trial of a configuration that is left to train."""
        fidelity = configuration.fidelity or Fidelity(repeats=self.spec.repeats)
        found = self.space.find(configuration)
        assert found, f"{configuration.label()} is not feasible"  # a proposal, which is checked
        before = self.latest.get(configuration.key())
        training = configuration.training(self.spec.training)
        cells = self.space.cells(configuration)
        return TrialSpec(
            number=number,
            ensemble=configuration.ensemble,
            cost=found.cost,
            training=training,
            recipe=configuration.recipe,
            part=part_of(fidelity, cells, training.steps, before),
            repeats=fidelity.repeats,
            seed=self.spec.seed,
        )

    def keep(self, result: TrialResult) -> None:
        """Score and store a result."""
        # Numbered in the order in which they end, since an executor may finish a later one first.
        trial = result.trial.model_copy(update={"number": self._ended})
        result = result.model_copy(update={"trial": trial})
        before = self.latest.get(result.key)
        if before and trial.part and (trial.part.first_cell or trial.part.first_repeat):
            result = merged(before, result)
        if result.status is TrialStatus.COMPLETE:
            result = scored(result, self.objective, self.spec.floor_db)
        self.records.add(result, self.pictures.pop(result.key, None))
        self.history.append(result)
        self.latest[result.key] = result
        self.pending.pop(result.key, None)
        self.observer.finished(result)

    @property
    def _ended(self) -> int:
        return self.failed + len(self.history)
