"""Run a search from its StudySpec to its result, kept in a storage."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.backbones.feasibility import Measure, Measured
from enas_inr.cost import FeasibleSpace
from enas_inr.errors import StudyError, TrainingError
from enas_inr.executors.base import ExecutionContext, Executor
from enas_inr.executors.self_running import SelfRunning
from enas_inr.executors.states import States, states_folder
from enas_inr.objectives.making import make_objective
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import (
    Picture,
    SearchResult,
    TraceStep,
    TrialResult,
    TrialStatus,
    best_of,
    compared,
    pareto_front,
)
from enas_inr.spec import Choice, StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy
from enas_inr.studies.gathering import Gathering, fitting
from enas_inr.studies.location import Storage
from enas_inr.studies.loop import KnownResult, Observer, picture_key, run_loop
from enas_inr.studies.note import Noting, fit_command, note_text
from enas_inr.studies.space import searched_space
from enas_inr.studies.stopping import Stopping

if TYPE_CHECKING:
    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal
    from enas_inr.studies.pictures import StoredPicture
    from enas_inr.studies.store import Store


MOST_PICTURED = 64
"""Signals of a set of which pictures of reconstructions and states of trainings are kept."""


def run_study(
    spec: StudySpec,
    signal: Signal | SignalSet,
    *,
    catalog: Catalog,
    name: str | None = None,
    storage: str | None = None,
    executor: Choice = Choice(name="local"),
    device: str = "auto",
    pictures: bool = True,
    observer: Observer | None = None,
    reuse: bool = False,
    measure: Measure | None = None,
    stopping: Stopping = Stopping(),
) -> SearchResult:
    """Run or resume a study; see `search` for the other arguments.

    The signals of a set are in the order of `StudySpec.signals`. With `reuse`, trials that any
    study in the storage has trained in the same way are reused. `measure` measures the wanted costs
    that do not follow from sizes; they are kept. `stopping` may end the search early.
    """
    from enas_inr.signals.previews import picture_of
    from enas_inr.signals.sets import SignalSet
    from enas_inr.studies.forecast import forecast
    from enas_inr.studies.reading import measured_costs
    from enas_inr.studies.store import Store

    started, stopping = time.perf_counter(), stopping.begun()
    observer, name = observer or Observer(), name or study_name(spec)
    objective, place = make_objective(catalog, spec), Storage(storage)
    costs = measured_costs(name, place)
    space = searched_space(spec, catalog, objective, measure, costs)
    store, strategy = Store(name, spec, place), _strategy(spec, catalog, space)
    most = _most_trials(spec, catalog, space, strategy)
    handed_over: dict[str, Picture | StoredPicture] = {}

    def keep_picture(trial: TrialSpec, picture: Picture | StoredPicture) -> None:
        handed_over[picture_key(trial)] = picture

    with ExitStack() as at_end:
        first, few = _one_of(signal, 0), len(spec.signals) <= MOST_PICTURED
        pictured = pictures and few and store.keeps_pictures and picture_of(first) is not None
        context = ExecutionContext(
            catalog,
            first,
            device,
            observer.progressed,
            title=f"{name} ({spec.strategy.name})",
            label=spec.space.label,
            say=observer.said,
            at_end=at_end,
            pictures=pictured,
            states=states_folder() if few else None,
            keep_picture=keep_picture,
            signals=signal if isinstance(signal, SignalSet) else None,
            known_info=spec.signal,
            undisturbed=observer.undisturbed,
        )
        runner = _executor(executor, catalog, context)
        known = _known(spec, place, name, keep_picture if reuse else None)
        at_end.enter_context(store)  # only now, so that an unavailable device leaves no file
        at_end.callback(store.keep_costs, costs)  # more may be measured between the points
        stored = _begun(store, costs, space, signal if pictured else None)
        if stored or executor.name != "local" or isinstance(strategy, SelfRunning):
            observer.planned(spec, space)  # the trials will say how long they take
        else:
            observer.planned(spec, space, partial(forecast, spec, context, space, strategy, most))
        observer.started(name, store.storage, stored, most)
        gathering = Gathering(spec, space, objective, fitting(spec, catalog))
        noting = Noting(partial(_note, store, strategy, ended=False))
        history = run_loop(
            gathering, strategy, runner, store, observer, handed_over, known, stopping, noting
        )
        _note(store, strategy, history, ended=not stopping.reason(history))
    if ended := not stopping.reason(history):
        store.forget_kept()
    found = _result(store, strategy, history, time.perf_counter() - started, pictured)
    if ended:
        _clean(found, gathering, context.states, catalog)
    return found


def _one_of(signal: Signal | SignalSet, number: int) -> Signal:
    from enas_inr.signals.sets import SignalSet

    return signal[number] if isinstance(signal, SignalSet) else signal


def _strategy(spec: StudySpec, catalog: Catalog, space: FeasibleSpace) -> Strategy:
    chosen = spec.strategy
    made: Strategy = catalog.create("strategy", chosen.name, space, options=chosen.options)
    return made


def _executor(chosen: Choice, catalog: Catalog, context: ExecutionContext) -> Executor:
    made: Executor = catalog.create("executor", chosen.name, context, options=chosen.options)
    return made


def _begun(
    store: Store, costs: Measured, space: FeasibleSpace, pictured: Signal | SignalSet | None
) -> int:
    """Write what a study keeps besides its trials; return how many of them it has."""
    store.keep_costs(costs)
    store.keep_space(space)
    if pictured is not None:
        from enas_inr.signals.previews import picture_of

        store.attach(lambda number: picture_of(_one_of(pictured, number)))
    return store.count()


def _known(
    spec: StudySpec,
    storage: Storage,
    name: str,
    keep_picture: Callable[[TrialSpec, StoredPicture], None] | None,
) -> KnownResult:
    """Return what finds trials that need not be trained.

    They are those that an earlier run of the study could not store; and if their pictures are kept,
    those that any study in the storage has trained in the same way.
    """
    from enas_inr.studies import unsaved
    from enas_inr.studies.known import known_trials, reused

    kept = unsaved.find(storage, name)
    if keep_picture is None:
        return kept
    others = reused(known_trials(spec.all_signals, storage), keep_picture)
    return lambda trial: kept(trial) or others(trial)


def _note(store: Store, strategy: Strategy, history: Sequence[TrialResult], *, ended: bool) -> None:
    """Write the note of a study about its trials so far."""
    command, trace = fit_command(store.name, store.storage.answered()), strategy.trace(history)
    store.note(lambda address: note_text(store.spec, command, history, trace, address, ended=ended))


def _clean(
    found: SearchResult, gathering: Gathering, folder: Path | None, catalog: Catalog
) -> None:
    """Remove the states of all but the winner, since the search does not go on from them."""
    others: dict[int, list[TrialSpec]] = {}
    for (key, signal), result in gathering.latest.items():
        if key != found.best.key:
            others.setdefault(signal, []).append(result.trial)
    for signal, trials in others.items():
        States(folder, found.spec.all_signals[signal], catalog).remove(trials)


def _result(
    store: Store,
    strategy: Strategy,
    history: Sequence[TrialResult],
    seconds: float,
    pictured: bool,
) -> SearchResult:
    """Return the result of a search that has ended.

    Raises:
        TrainingError: no trial is complete.
    """
    trace = tuple(strategy.trace(history))
    best = _best(store.name, history, trace)
    return SearchResult(
        study=store.name,
        storage=store.storage.answered(),
        spec=store.spec,
        best=best,
        trace=trace,
        trials=tuple(history),
        seconds=seconds,
        front=pareto_front(history, store.spec.objectives),
        picture=_picture(store.name, store.storage, best) if pictured else None,
    )


def _picture(name: str, storage: Storage, best: TrialResult) -> StoredPicture | None:
    """Return the reconstruction of a trial, if it is kept; its file is read when it is needed."""
    from enas_inr.studies.reading import find_pictures

    try:
        return find_pictures(name, storage)[1].get(best.trial.number)
    except (OSError, StudyError):
        return None


def _most_trials(
    spec: StudySpec, catalog: Catalog, space: FeasibleSpace, strategy: Strategy
) -> int:
    """Return how many trials the study can have."""
    options = catalog.options("strategy", spec.strategy.name, spec.strategy.options)
    most = len(space.feasible) * strategy.rounds()
    return min(most, getattr(options, "trials", most)) * space.signals


def _best(name: str, history: Sequence[TrialResult], trace: Sequence[TraceStep]) -> TrialResult:
    """Return the best trial of a study.

    Raises:
        TrainingError: no trial is complete.
    """
    if best := best_of(compared(history, trace)):
        return best
    first = "it" if len(history) == 1 else "the first"
    said = [f"{first} said: {trial.message}" for trial in history[:1]]
    if any(trial.status is TrialStatus.DIVERGED for trial in history):
        said.append("give a lower learning rate, or none, so that it is fitted")
    what = f"none of the {len(history)} trials of study {name!r} is complete"
    if len(history) == 1:
        what = f"the only trial of study {name!r} is not complete"
    raise TrainingError(what, "; ".join(said))


def study_name(spec: StudySpec) -> str:
    """Derive the name of a study from everything that determines its result."""
    digest = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()[:8]
    axes = {axis.name: axis for axis in spec.space.axes}
    grid = "" if "grid" in axes else f"-M{spec.space.base.grid}"
    backbones = axes["backbone"].values if "backbone" in axes else (spec.space.base.backbone,)
    name = f"{len(spec.signals)}-{spec.signal.modality}" if spec.signals else spec.signal.name
    return f"{name}-{'+'.join(map(str, backbones))}{grid}-{digest}"
