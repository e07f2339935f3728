"""Run a search from its StudySpec to its result, kept in a storage."""

from __future__ import annotations

import hashlib
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from enas_inr.backbones.feasibility import feasible_space
from enas_inr.errors import TrainingError
from enas_inr.executors.base import ExecutionContext, Executor
from enas_inr.objectives.making import make_objective
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import Picture, SearchResult, best_of, compared, pareto_front
from enas_inr.spec import Choice, StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy
from enas_inr.studies import DEFAULT_STORAGE
from enas_inr.studies.loop import Observer, nothing_known, run_loop

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal
    from enas_inr.studies.pictures import StoredPicture


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
    """Run or resume a study; see `search` for the arguments.

    With `reuse`, trials that any study in the storage has trained in the same way are reused.
    """
    from enas_inr.signals.picture import picture_of
    from enas_inr.studies.known import known_trials, reused
    from enas_inr.studies.store import Store

    started = time.perf_counter()
    observer = observer or Observer()
    name = name or study_name(spec)
    objective = make_objective(catalog, spec)
    space = replace(feasible_space(spec, catalog), worth=objective.worth)
    chosen = spec.strategy
    strategy: Strategy = catalog.create("strategy", chosen.name, space, options=chosen.options)
    store = Store(name, spec, storage)
    handed_over: dict[str, Picture | StoredPicture] = {}

    def keep_picture(trial: TrialSpec, picture: Picture | StoredPicture) -> None:
        handed_over[trial.configuration.key()] = picture

    with ExitStack() as at_end:
        original = picture_of(signal) if pictures and store.keeps_pictures else None
        context = ExecutionContext(
            catalog,
            signal,
            device,
            observer.progressed,
            title=f"{name} ({chosen.name})",
            say=observer.said,
            at_end=at_end,
            pictures=original is not None,
            keep_picture=keep_picture,
        )
        runner: Executor = catalog.create(
            "executor", executor.name, context, options=executor.options
        )
        known = reused(known_trials(spec.signal, storage), keep_picture) if reuse else nothing_known
        at_end.enter_context(store)  # only now, so that an unavailable device leaves no file
        if original:
            store.attach(original)
        options = catalog.options("strategy", chosen.name, chosen.options)
        most = len(space.feasible) * strategy.rounds()
        most = min(most, getattr(options, "trials", most))
        observer.started(name, store.storage, len(store.results()), most)
        history = run_loop(
            spec, space, strategy, objective, runner, store, observer, handed_over, known
        )
    trace = tuple(strategy.trace(history))
    best = best_of(compared(history, trace))
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
        trace=trace,
        trials=tuple(history),
        seconds=time.perf_counter() - started,
        front=pareto_front(history, spec.objectives),
    )


def study_name(spec: StudySpec) -> str:
    """Derive the name of a study from everything that determines its result."""
    digest = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()[:8]
    axes = {axis.name: axis for axis in spec.space.axes}
    grid = "" if "grid" in axes else f"-M{spec.space.base.grid}"
    backbones = axes["backbone"].values if "backbone" in axes else (spec.space.base.backbone,)
    return f"{spec.signal.name}-{'+'.join(map(str, backbones))}{grid}-{digest}"
