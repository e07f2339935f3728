"""The loop of a search, which joins any strategy, executor and store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from enas_inr.cost import FeasibleSpace
from enas_inr.errors import SpecError, TrainingError
from enas_inr.executors.base import Executor, Supply, TrialProgress
from enas_inr.executors.self_running import Loop, SelfRunning
from enas_inr.result import Picture, TrialResult
from enas_inr.spec import Configuration, StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.stopping import Stopping
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.studies.forecast import Forecast
    from enas_inr.studies.pictures import StoredPicture

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

    def began(self, trial: TrialSpec) -> None:
        """Called when an executor takes a trial, whose number it keeps until it ends."""

    def said(self, line: str) -> None:
        """Called with a message of an executor for the user."""

    def progressed(self, progress: TrialProgress) -> None:
        """Called while a trial is trained."""

    def stopped(self, reason: str) -> None:
        """Called when the search stops before its strategy has ended, perhaps more than once."""

    def signal_finished(self, result: TrialResult) -> None:
        """Called when a trial on one signal of a set was stored, and others are still missing."""

    def finished(self, result: TrialResult) -> None:
        """Called when a trial has been scored and stored; of a set, with the aggregate."""

    def undisturbed(self) -> AbstractContextManager[None]:
        """Entered while results are stored: a signal that ends the search should wait until then.

        It may be entered again inside.
        """
        return nullcontext()


class Relay(Observer):
    """Passes all events on to another receiver. A derived class does more with some of them."""

    def __init__(self, inner: Observer) -> None:
        self.inner = inner

    def planned(
        self,
        spec: StudySpec,
        space: FeasibleSpace,
        forecast: Callable[[], Forecast | None] = lambda: None,
    ) -> None:
        """Pass it on."""
        self.inner.planned(spec, space, forecast)

    def started(self, study: str, storage: str, known: int, most: int) -> None:
        """Pass it on."""
        self.inner.started(study, storage, known, most)

    def began(self, trial: TrialSpec) -> None:
        """Pass it on."""
        self.inner.began(trial)

    def said(self, line: str) -> None:
        """Pass it on."""
        self.inner.said(line)

    def progressed(self, progress: TrialProgress) -> None:
        """Pass it on."""
        self.inner.progressed(progress)

    def stopped(self, reason: str) -> None:
        """Pass it on."""
        self.inner.stopped(reason)

    def signal_finished(self, result: TrialResult) -> None:
        """Pass it on."""
        self.inner.signal_finished(result)

    def finished(self, result: TrialResult) -> None:
        """Pass it on."""
        self.inner.finished(result)

    def undisturbed(self) -> AbstractContextManager[None]:
        """Pass it on."""
        return self.inner.undisturbed()


class Records(Protocol):
    """Where the loop keeps results, such as `enas_inr.studies.store.Store`."""

    def results(self) -> list[TrialResult]:
        """The trials that have ended, in the order of their numbers."""

    def add(
        self,
        result: TrialResult,
        picture: Picture | StoredPicture | None = None,
        whole: TrialResult | None = None,
    ) -> None:
        """Keep a result, with its picture if it has one.

        Args:
            result: the result of a trial.
            picture: its picture.
            whole: the result of its configuration, if no signal of a set is missing; in a study of
                one signal, the result itself.
        """


def nothing_known(trial: TrialSpec) -> TrialResult | None:
    """Return None: no equal trial was trained before."""
    return None


def run_loop(
    gathering: Gathering,
    strategy: Strategy,
    executor: Executor,
    records: Records,
    observer: Observer,
    pictures: MutableMapping[str, Picture | StoredPicture] | None = None,
    known: KnownResult = nothing_known,
    stopping: Stopping = Stopping(),
    noted: Callable[[Sequence[TrialResult]], None] = lambda history: None,
) -> list[TrialResult]:
    """Propose, train and keep trials until the search has ended.

    The strategy is asked whenever a worker of the executor is free. Trials that failed before
    (because of full memory, for example) are tried again.

    Args:
        gathering: makes the trials of a configuration, and gathers their results.
        strategy: proposes configurations.
        executor: trains trials.
        records: keeps results.
        observer: receives the events.
        pictures: pictures from the executor, by `picture_key`; each one is removed when its trial
            is kept.
        known: finds results of trials that need not be trained.
        stopping: when to stop before the strategy has ended.
        noted: called with all trials so far, when one more was stored.

    Returns:
        All trials of the study, including those that were on record before; of a set, what was
        gathered from them.
    """
    recorded = records.results()
    search = _Search(
        strategy=strategy,
        gathering=gathering,
        records=records,
        observer=observer,
        pictures={} if pictures is None else pictures,
        known=known,
        stopping=stopping.begun(),
        noted=noted,
        history=gathering.replayed(recorded),
        ended=len(recorded),
    )
    if isinstance(strategy, SelfRunning):
        spec = gathering.spec
        if spec.signals:
            raise SpecError(
                f"strategy {spec.strategy.name!r} searches one signal, not a set",
                "choose another, perhaps with the executor ray",
            )
        search.run(strategy, executor)
        return search.history
    supply = Supply(search.more)
    for result in executor.run(supply):
        search.keep(result)
    if missing := len(search.running):
        taken = len(supply.taken)
        raise TrainingError(
            f"the executor returned {taken - missing} of {counted(taken, 'trial')}",
            "this is a bug in the executor",
        )
    if supply.take(1):
        raise TrainingError(
            "the executor ended before the search did", "this is a bug in the executor"
        )
    return search.history


@dataclass(eq=False)
class _Search:
    """A search between its beginning and its end.

    Attributes:
        history: what the strategy sees: the configurations that were trained.
        ended: number of trials that have ended.
        pending: the configurations that are being trained, by key, in the order of their proposals.
        waiting: trials of them that no worker has taken yet.
        running: the trials that are being trained, by the key of the configuration and the signal.
    """

    strategy: Strategy
    gathering: Gathering
    records: Records
    observer: Observer
    pictures: MutableMapping[str, Picture | StoredPicture]
    known: KnownResult
    stopping: Stopping
    noted: Callable[[Sequence[TrialResult]], None]
    history: list[TrialResult]
    ended: int
    pending: dict[str, Configuration] = field(default_factory=dict)
    waiting: deque[TrialSpec] = field(default_factory=deque)
    running: set[tuple[str, int]] = field(default_factory=set)

    def more(self, free: int, most: int) -> list[TrialSpec]:
        """Return trials to train next: up to `most`, and `free` of them if there are so many."""
        if reason := self.stopping.reason(self.history):
            self.observer.stopped(reason)
            return []
        most = max(free, min(most, self.stopping.most or most))
        found = self._taken(most)
        n = free if self.strategy.one_by_one() else most
        while len(found) < free:
            proposals = self.strategy.propose(self.history, tuple(self.pending.values()), n)
            if not proposals:
                break
            for proposal in proposals:
                self._begin(proposal)
            found += self._taken(most - len(found))
            n = free - len(found)
        return found

    def _begin(self, proposal: Configuration) -> None:
        """Begin to train a configuration; what is known of it is kept at once."""
        self.pending[proposal.key()] = proposal
        first = self.ended + len(self.running) + len(self.waiting)
        trials = self.gathering.begin(proposal, first)
        if not trials:  # a set whose signals were all trained before, for another one
            self._finish(self.gathering.known(proposal))
        for trial in trials:
            if result := self.known(trial):
                self.keep(result)
            else:
                self.waiting.append(trial)

    def _taken(self, most: int) -> list[TrialSpec]:
        found = [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]
        self.running.update((trial.configuration.key(), trial.signal) for trial in found)
        for trial in found:
            self.observer.began(trial)
        return found

    def keep(self, result: TrialResult) -> None:
        """Score and store a result."""
        with self.observer.undisturbed():
            self._keep(result)

    def _keep(self, result: TrialResult) -> None:
        # Numbered in the order in which they end, since an executor may finish a later one first.
        trial = result.trial.model_copy(update={"number": self.ended})
        result = self.gathering.ended(result.model_copy(update={"trial": trial}))
        whole = self.gathering.add(result)
        self.records.add(result, self.pictures.pop(picture_key(trial), None), whole)
        self.ended += 1
        self.running.discard((result.key, trial.signal))
        if whole:
            self._finish(whole)
        else:
            self.observer.signal_finished(result)

    def _finish(self, whole: TrialResult) -> None:
        self.history.append(whole)
        self.pending.pop(whole.key, None)
        self.noted(self.history)
        self.observer.finished(whole)

    def run(self, strategy: SelfRunning, executor: Executor) -> None:
        """Let a strategy with its own loop run the search."""

        def make_trial(configuration: Configuration, number: int) -> TrialSpec:
            (trial,) = self.gathering.begin(configuration, number)
            self.observer.began(trial)
            return trial

        score = self.gathering.objective.score
        strategy.run(Loop(executor, self.history, make_trial, score, self.keep))


def picture_key(trial: TrialSpec) -> str:
    """Return the key under which the picture of a trial is handed over."""
    return f"{trial.signal} {trial.configuration.key()}"
