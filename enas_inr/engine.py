"""The search: one loop that joins strategy, executor and store, and knows no concrete one."""

from __future__ import annotations

import hashlib
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from enas_inr.catalog import Catalog
from enas_inr.cost import (
    Candidate,
    PricedSpace,
    check_cost,
    check_grid,
    ensemble_cost,
    net_shape,
    price,
)
from enas_inr.errors import TrainingError
from enas_inr.executors.base import Executor, TrialProgress, Workplace
from enas_inr.executors.recall import RecallingExecutor
from enas_inr.guarded import make_executor, make_objective, make_strategy
from enas_inr.objectives.base import Objective
from enas_inr.pareto import pareto_front
from enas_inr.result import SearchResult, TrialResult, TrialStatus, best_of
from enas_inr.spec import Choice, EnsembleSpec, SignalInfo, StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy
from enas_inr.tuning.base import Loop, SelfRunning

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

DEFAULT_STORAGE = "sqlite:///enas-inr.db"
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
    """Where the loop keeps results; `enas_inr.store.Store` is the real one."""

    def results(self) -> list[TrialResult]:
        """The trials that have ended, in the order of their numbers."""

    def add(self, result: TrialResult) -> None:
        """Keep one more."""


def run_study(
    spec: StudySpec,
    signal: Signal,
    *,
    catalog: Catalog,
    name: str | None = None,
    storage: str = DEFAULT_STORAGE,
    executor: Choice = Choice(name="local"),
    device: str = "auto",
    pictures: bool = True,
    observer: Observer | None = None,
    reuse: bool = False,
) -> SearchResult:
    """Run a study to its end, or continue it; see `search` for what everything means.

    With `reuse`, what any study in the storage has trained in just the same way is taken from it.
    """
    from enas_inr.signals.picture import picture_of
    from enas_inr.store import Store, known_trials

    started = time.perf_counter()
    observer = observer or Observer()
    name = name or study_name(spec)
    space = priced_space(spec, catalog)
    chosen = spec.strategy
    strategy = make_strategy(catalog, chosen, space)
    objective = make_objective(catalog, spec)
    store = Store(name, spec, storage)
    with ExitStack() as at_end:
        original = picture_of(signal) if pictures and store.keeps_pictures else None
        place = Workplace(
            catalog,
            signal,
            device,
            observer.progressed,
            title=f"{name} ({chosen.name})",
            say=observer.said,
            at_end=at_end,
            pictures=original is not None,
        )
        runner = make_executor(catalog, executor, place)
        if reuse and not isinstance(strategy, SelfRunning):  # those hand out trials themselves
            runner = RecallingExecutor(runner, known_trials(spec.signal, storage))
        at_end.enter_context(store)  # not before: a device that is not there leaves no file
        if original:
            store.attach(original)
        options = catalog.options("strategy", chosen.name, chosen.options)
        most = min(len(space.feasible), getattr(options, "trials", len(space.feasible)))
        observer.started(name, store.storage, len(store.results()), most)
        history = run_loop(spec, space, strategy, objective, runner, store, observer)
    best = best_of(history)
    if best is None:
        raise TrainingError(
            f"none of the {len(history)} trials of study {name!r} is complete",
            f"the first said: {history[0].message}" if history else "",
        )
    return SearchResult(
        study=name,
        storage=store.storage,
        spec=spec,
        best=best,
        trace=tuple(strategy.trace(history)),
        trials=tuple(history),
        seconds=time.perf_counter() - started,
        front=pareto_front(history, spec.objectives),
    )


def run_loop(
    spec: StudySpec,
    space: PricedSpace,
    strategy: Strategy,
    objective: Objective,
    executor: Executor,
    records: Records,
    observer: Observer,
) -> list[TrialResult]:
    """Let the strategy propose, the executor train, the records keep, until the search has ended.

    Trials that failed before (a full memory, a bug in a plugin) are tried again.

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
        records.add(result)
        result = result.model_copy(update={"picture": None})  # thousands would fill the memory
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


def study_name(spec: StudySpec) -> str:
    """Name a study after everything that decides its result."""
    digest = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()[:8]
    one_grid = all(axis.name != "grid" for axis in spec.space.axes)
    grid = f"-M{spec.space.base.grid}" if one_grid else ""
    return f"{spec.signal.name}-{spec.space.base.backbone}{grid}-{digest}"


def candidate(spec: EnsembleSpec, signal: SignalInfo, catalog: Catalog) -> Candidate:
    """Settle the options of an architecture for a signal, and price it.

    Raises:
        SpecError: an unknown backbone, a wrong option, or a grid larger than the signal.
        PluginError: the backbone, of a plugin, fails.
    """
    check_grid(spec.grid, signal)
    options = catalog.options("backbone", spec.backbone, spec.options)
    with catalog.blame("backbone", spec.backbone):
        if options is not None:
            settled = options.resolve(signal, spec.grid).model_dump(mode="json")
            spec = spec.model_copy(update={"options": settled})
        backbone = catalog.create("backbone", spec.backbone, options=spec.options)
        net = backbone.cost(net_shape(spec, signal))
        check_cost(net)
    return Candidate(spec, ensemble_cost(net, spec.grid, signal))


def priced_space(spec: StudySpec, catalog: Catalog) -> PricedSpace:
    """Price a study's search space; raises as `candidate`, and BudgetError if nothing fits."""
    priced = price(
        spec.space,
        spec.budget,
        spec.signal.samples,
        lambda ensemble: candidate(ensemble, spec.signal, catalog),
    )
    return replace(priced, objectives=spec.objectives, seed=spec.seed)
