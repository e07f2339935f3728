"""The function behind `enas-inr search`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SkipValidation

from enas_inr.api.keywords import takes
from enas_inr.api.measures import measures
from enas_inr.api.observing import told_observers, watched_search
from enas_inr.api.reading import is_one, refuse_set_settings, take_set, take_signal
from enas_inr.api.settings import SearchSettings
from enas_inr.api.transfer import measured_on
from enas_inr.api.watching import Bar, Watching, interactive
from enas_inr.errors import TrainingError
from enas_inr.executors.base import TrialProgress
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import SearchResult, TrialResult
from enas_inr.spec import Choice, SignalInfo, StudySpec
from enas_inr.studies.ask import study_spec
from enas_inr.studies.loop import Observer
from enas_inr.studies.ordering import held_out, in_order
from enas_inr.studies.search import run_study
from enas_inr.studies.stopping import Stopping
from enas_inr.validation import parse

if TYPE_CHECKING:
    from enas_inr.api.reading import Given
    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal

logger = logging.getLogger(__name__)


class SearchCall(SearchSettings, arbitrary_types_allowed=True):
    """The settings of a search, and the objects that take part in a call."""

    catalog: Annotated[
        SkipValidation[Catalog | None], Field(description="The plugins; None: all installed ones.")
    ] = None
    observer: Annotated[
        SkipValidation[Observer | None], Field(description="Notified of each event of the search.")
    ] = None
    on_trial: Annotated[
        Callable[[TrialResult], object] | None,
        Field(
            description="Called with each trial that has ended; if it returns True, the search "
            "stops and returns the result so far."
        ),
    ] = None
    on_progress: Annotated[
        Callable[[TrialProgress], object],
        Field(description="Called with the progress of the trial in training."),
    ] = lambda progress: None
    progress: Annotated[
        bool | None,
        Field(
            description="Whether to show a bar; None: in notebooks and interactive interpreters."
        ),
    ] = None


@takes(SearchCall)
def search(signal: Given | Sequence[Given] | SignalSet, call: SearchCall) -> SearchResult:
    """Find the best ensemble for a signal, or for all signals of a set, under a budget.

    `signal` is a file, a sample such as `sample:photo`, a picture as a NumPy array, or a Signal;
    for a set, a folder, a pattern, a text file of paths, `samples:photos`, or a list of all these.
    Repeating the call resumes the study, and with further signals of a set trains what is new.
    In a notebook or an interactive interpreter, Ctrl-C returns the result so far, with
    `interrupted` set, once a trial is complete.

    Raises:
        SpecError: a setting or a name is not valid.
        SignalError: a signal cannot be read.
        BudgetError: no architecture fits the budget.
        StudyError: the study or its storage cannot be used.
        TrainingError: every trial failed or diverged.
    """
    with Bar(call.progress) as bar:
        watching = Watching(call.observer or Observer(), call.on_trial, call.on_progress, bar)
        settings = call.model_copy(update={"observer": watching})
        return _search(signal, settings, watching)


def _search(
    signal: Given | Sequence[Given] | SignalSet, call: SearchCall, observer: Watching
) -> SearchResult:
    catalog = call.catalog or load_catalog()
    settings = call.settled(catalog)
    if is_one(signal):
        refuse_set_settings(call, "hold_out")
        taken = take_signal(catalog, signal, call, default=call.usual_size)
        return _run(study_spec(settings, taken.info(), catalog), taken, settings, catalog, observer)
    found = take_set(catalog, signal, call, call.usual_size, observer.said, observer.progressed)
    others: list[int] = []
    if call.hold_out is not None:
        searched, others = held_out(found.infos, call.hold_out)
        found, held = found.those(searched), found.those(others)
    ordered = found.those(in_order(found.infos, _known(settings)))
    spec = study_spec(settings, ordered.infos, catalog)
    result = _run(spec, ordered, settings, catalog, observer)
    if not others or result.interrupted:
        return result

    def own(of_one: StudySpec, one: Signal) -> SearchResult:
        unnamed = settings.model_copy(update={"study": None, "observers": ()})
        return _run(of_one, one, unnamed, catalog, observer, reuse=True)

    return replace(result, held_out=tuple(measured_on(held, result, own)))


def _run(
    spec: StudySpec,
    signal: Signal | SignalSet,
    settings: SearchCall,
    catalog: Catalog,
    observer: Watching,
    *,
    reuse: bool = False,
) -> SearchResult:
    """Run a study, and tell its observers."""

    def run(heard: Observer) -> SearchResult:
        told = settings.model_copy(update={"observer": heard})
        return _run_or_interrupted(spec, signal, told, catalog, observer, reuse=reuse)

    return watched_search(told_observers(settings, catalog), observer, run)


def _run_or_interrupted(
    spec: StudySpec,
    signal: Signal | SignalSet,
    settings: SearchCall,
    catalog: Catalog,
    observer: Watching,
    *,
    reuse: bool,
) -> SearchResult:
    """Run a study; in a notebook, an interrupt returns the result so far if there is one."""
    rules = settings.stop_rules
    if settings.on_trial:
        rules = replace(rules, asked=observer.asked)
    try:
        return _run_until(rules, spec, signal, settings, catalog, reuse=reuse)
    except KeyboardInterrupt:
        if not interactive():
            raise
        try:  # its trials are stored
            ended = replace(rules, asked=lambda: True)
            found = _run_until(ended, spec, signal, settings, catalog, reuse=reuse)
        except TrainingError:
            raise KeyboardInterrupt from None
    logger.warning("interrupted: this is the result so far; repeat the call to resume")
    return replace(found, interrupted=True)


def _run_until(
    stopping: Stopping,
    spec: StudySpec,
    signal: Signal | SignalSet,
    settings: SearchCall,
    catalog: Catalog,
    *,
    reuse: bool,
) -> SearchResult:
    executor = {
        "name": settings.chosen("executor"),
        "options": dict(settings.executor_options or {}),
    }
    return run_study(
        spec,
        signal,
        catalog=catalog,
        name=settings.study,
        storage=settings.storage,
        executor=parse(Choice, executor, "executor"),
        device=settings.device,
        pictures=settings.pictures,
        observer=settings.observer,
        stopping=stopping,
        reuse=reuse or bool(spec.signals),
        measure=measures(catalog, signal, spec.budget.precision, settings.device),
    )


def _known(settings: SearchSettings) -> tuple[SignalInfo, ...]:
    """Return the signals of the study that is continued, in its order."""
    if settings.study is None:
        return ()
    from enas_inr.studies.reading import stored_signals

    return stored_signals(settings.study, settings.storage)
