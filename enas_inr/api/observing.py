"""Tell observers what happens in searches and fits, whatever they do with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from enas_inr.api.settings import ObserverSettings
from enas_inr.cost import FeasibleSpace
from enas_inr.errors import EnasInrError, SpecError, one_line, warn_once
from enas_inr.executors.base import TrialProgress
from enas_inr.observers.base import FitEnd, FitStart, Observer, Outcome, SearchEnd, SearchStart
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import SearchResult, TrialResult
from enas_inr.spec import StudySpec, TrialSpec
from enas_inr.studies import loop
from enas_inr.studies.location import Storage
from enas_inr.validation import nearest

if TYPE_CHECKING:
    from enas_inr.model.fitting import FitSpec
    from enas_inr.signals.signal import Signal
    from enas_inr.studies.forecast import Forecast


@dataclass(eq=False)
class Told:
    """Observers by name. One that fails is left out from then on, after a warning.

    Attributes:
        strict: whether an observer that fails ends the search.
    """

    observers: dict[str, Observer]
    strict: bool = False

    def __call__(self, event: Callable[[Observer], None]) -> None:
        """Tell all observers of an event."""
        for name, observer in list(self.observers.items()):
            try:
                event(observer)
            except Exception as error:  # an observer is no reason to lose a search
                if self.strict:
                    raise
                del self.observers[name]
                said = str(error) if isinstance(error, EnasInrError) else one_line(error)
                warn_once(f"observer {name!r} is left out from now on: {said}")


def told_observers(settings: ObserverSettings, catalog: Catalog) -> Told:
    """Make the observers that the settings name.

    Raises:
        SpecError: there is no observer of a name, an option is wrong, or something else was given.
        PluginError: an observer cannot be made, such as for want of a package.
    """
    names = [one for one in settings.observers if isinstance(one, str)]
    options = _options(names, settings.observer_options or {}, catalog)
    made: dict[str, Observer] = {}
    for one in settings.observers:
        if isinstance(one, str):
            made[one] = catalog.create("observer", one, options=options[one])
        elif isinstance(one, Observer):
            made[f"{type(one).__name__} {len(made)}" if made else type(one).__name__] = one
        else:
            raise SpecError(
                f"observers: {one!r} is not an observer",
                "give a name, or an enas_inr.observers.base.Observer",
            )
    return Told(made, catalog.strict)


def _options(
    names: Sequence[str], given: Mapping[str, Any], catalog: Catalog
) -> dict[str, dict[str, Any]]:
    """Return the options of each observer: NAME.KEY is for one, and KEY for all that have it."""
    known = {name: catalog.option_names("observer", name) for name in names}
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for key, value in sorted(given.items(), key=lambda pair: "." in pair[0]):
        name, dot, own = key.partition(".")
        if dot and name in known:
            found[name][own] = value
            continue
        takers = [name for name in names if key in known[name]]
        if not takers:
            every = {option for options in known.values() for option in options}
            raise SpecError(
                f"no observer has an option {key!r}",
                nearest(key, every) if every else "name an observer, or leave the option out",
            )
        for name in takers:
            found[name][key] = value
    return found


class _Heard(loop.Relay):
    """Passes the events of a search on to another receiver, and to observers."""

    def __init__(self, inner: loop.Observer, told: Told) -> None:
        super().__init__(inner)
        self.told = told
        self.running: dict[int, TrialSpec] = {}
        self.spec: StudySpec | None = None
        self.reason = ""
        self.begun = False

    def planned(
        self,
        spec: StudySpec,
        space: FeasibleSpace,
        forecast: Callable[[], Forecast | None] = lambda: None,
    ) -> None:
        super().planned(spec, space, forecast)
        self.spec = spec

    def started(self, study: str, storage: str, known: int, most: int) -> None:
        super().started(study, storage, known, most)
        assert self.spec is not None  # it was planned before
        if self.begun:  # it goes on after an interrupt, to give the result so far
            return
        self.begun = True
        start = SearchStart(study, str(Storage(storage)), self.spec, known, most)
        self.told(lambda observer: observer.search_started(start))

    def began(self, trial: TrialSpec) -> None:
        super().began(trial)
        self.running[trial.number] = trial
        self.told(lambda observer: observer.trial_started(trial))

    def progressed(self, progress: TrialProgress) -> None:
        super().progressed(progress)
        trial = None if progress.number is None else self.running.get(progress.number)
        if trial:
            self.told(lambda observer: observer.trial_progressed(trial, progress))

    def stopped(self, reason: str) -> None:
        super().stopped(reason)
        self.reason = reason

    def finished(self, result: TrialResult) -> None:
        super().finished(result)
        ended = [n for n, trial in self.running.items() if trial.configuration.key() == result.key]
        for number in ended:
            del self.running[number]
        self.told(lambda observer: observer.trial_finished(result))


def watched_search(
    told: Told, inner: loop.Observer, run: Callable[[loop.Observer], SearchResult]
) -> SearchResult:
    """Run a search, and tell observers of it.

    Args:
        told: the observers.
        inner: receives all events as well.
        run: runs the search with the receiver of its events.
    """
    if not told.observers:
        return run(inner)
    heard, started = _Heard(inner, told), time.perf_counter()

    def end(outcome: Outcome, message: str, best: TrialResult | None) -> None:
        if heard.begun:
            ended = SearchEnd(outcome, message, best, time.perf_counter() - started)
            told(lambda observer: observer.search_ended(ended))

    with _on_failure(end):
        found = run(heard)
    reason = heard.reason or ("interrupted" if found.interrupted else "")
    end("stopped" if reason else "finished", reason, found.best)
    return found


@contextmanager
def _on_failure(end: Callable[[Outcome, str, None], None]) -> Iterator[None]:
    """Tell of the end by an error, or by a signal of the user."""
    try:
        yield
    except Exception as error:
        end("failed", str(error) if isinstance(error, EnasInrError) else one_line(error), None)
        raise
    except BaseException as error:  # Ctrl-C, or another signal
        end("stopped", type(error).__name__, None)
        raise


@dataclass(eq=False)
class WatchedFit:
    """A fit of which observers are told.

    Attributes:
        told: the observers.
        inner: receives the progress as well.
        metrics: those of its model, once it is written; None before.
    """

    told: Told
    inner: Callable[[TrialProgress], None]
    metrics: Mapping[str, object] | None = None

    def progressed(self, progress: TrialProgress) -> None:
        """Pass the progress on."""
        self.inner(progress)
        self.told(lambda observer: observer.fit_progressed(progress))


@contextmanager
def watched_fit(
    told: Told,
    path: Path,
    signal: Signal,
    spec: FitSpec,
    inner: Callable[[TrialProgress], None],
) -> Iterator[WatchedFit]:
    """Tell observers of the beginning and the end of a fit, which sets the metrics of its model.

    Args:
        told: the observers.
        path: the file that is written.
        signal: what is fitted.
        spec: the architecture and how it is trained.
        inner: receives the progress as well.
    """
    watched = WatchedFit(told, inner)
    if not told.observers:
        yield watched
        return
    begun = time.perf_counter()
    start = FitStart(path, signal.info(), spec.ensemble, spec.training, spec.repeats, spec.seed)

    def end(outcome: Outcome, message: str, best: TrialResult | None = None) -> None:
        metrics = MappingProxyType(dict(watched.metrics or {}))
        ended = FitEnd(outcome, message, metrics, time.perf_counter() - begun)
        told(lambda observer: observer.fit_ended(ended))

    told(lambda observer: observer.fit_started(start))
    with _on_failure(end):
        yield watched
    if watched.metrics is None:
        end("stopped", "stopped with a checkpoint, from which the same call resumes")
    else:
        end("finished", "")
