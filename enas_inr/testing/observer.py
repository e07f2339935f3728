"""The conformance suite for observers, which are told of searches and fits that never ran.

Example::

    class TestMine(ObserverSuite):
        @pytest.fixture
        def plugin(self):
            return installed("observer", "mine")
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from enas_inr.executors.base import TrialProgress
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.observers.base import FitEnd, FitStart, Observer, Outcome, SearchEnd, SearchStart
from enas_inr.result import Curve, TrialResult, TrialStatus, best_of
from enas_inr.spec import EnsembleSpec, StudySpec, TrainingSpec
from enas_inr.testing.lookup import PICTURE, lookup_results, lookup_space
from enas_inr.testing.plugin import Plugin, Suite, require

SPACE = lookup_space({"width": [8, 16, 32], "depth": [1, 2]}, 10**12)
STUDY = StudySpec(signal=PICTURE, space=SPACE.space)
CURVE = Curve(steps=(1, 100, 500), psnr_paper_db=((5.0, 15.0, 25.0),))
FIT = EnsembleSpec(grid=2, depth=1, width=8)


class ObserverSuite(Suite):
    """The rules for observers. Derive a test class with a fixture `plugin` that returns yours."""

    def test_it_is_told_of_a_search(self, plugin: Plugin, tmp_path: Path) -> None:
        """It receives all events of a search in the folder where that runs."""
        with _inside(tmp_path):
            tell_search(_made(plugin), toy_results())

    def test_it_is_told_of_a_fit(self, plugin: Plugin, tmp_path: Path) -> None:
        """It receives all events of a fit."""
        with _inside(tmp_path):
            tell_fit(_made(plugin))

    def test_trials_end_in_any_order(self, plugin: Plugin, tmp_path: Path) -> None:
        """Trials that are trained together can end in another order, with another number."""
        first, second, *_ = toy_results()
        with _inside(tmp_path):
            told = _made(plugin)
            told.search_started(toy_search_start())
            for trial in (first.trial, second.trial):
                told.trial_started(trial)
            for result in (second, first):
                told.trial_progressed(result.trial, toy_progress(result.trial.number, 0.5))
            for number, result in enumerate((second, first)):
                told.trial_finished(numbered(result, number))
            told.search_ended(toy_search_end([second, first]))

    def test_results_can_be_all_kinds(self, plugin: Plugin, tmp_path: Path) -> None:
        """Trials can fail, diverge or be known from before, and come again with more repeats."""
        first, second, third, *_ = toy_results()
        failed = TrialResult(trial=second.trial, status=TrialStatus.FAILED, message="no memory")
        diverged = third.model_copy(
            update={"status": TrialStatus.DIVERGED, "score": None, "repeats": ()}
        )
        more = first.trial.model_copy(update={"repeats": first.trial.repeats + 1})
        with _inside(tmp_path):
            told = _made(plugin)
            told.search_started(toy_search_start(known=2))
            for number, result in enumerate((failed, diverged, first)):
                told.trial_started(result.trial)
                told.trial_finished(numbered(result, number))
            told.trial_started(more)
            told.trial_finished(numbered(first.model_copy(update={"trial": more}), 3))
            told.trial_finished(numbered(first, 4))  # known, so that it did not start
            told.search_ended(toy_search_end([first]))

    def test_a_search_can_end_early(self, plugin: Plugin, tmp_path: Path) -> None:
        """A search can stop or fail while trials are trained, and before it has a best one."""
        trial = toy_results()[0].trial
        outcomes: tuple[Outcome, ...] = ("stopped", "failed")
        for outcome in outcomes:
            with _inside(tmp_path):
                told = _made(plugin)
                told.search_started(toy_search_start())
                told.trial_started(trial)
                told.search_ended(SearchEnd(outcome, "no space left", None, 1.0))
                told = _made(plugin)
                told.fit_started(toy_fit_start())
                told.fit_ended(FitEnd(outcome, "no space left", {}, 1.0))

    def test_a_search_can_go_on(self, plugin: Plugin, tmp_path: Path) -> None:
        """A search that is continued by another call is told to a new instance."""
        results = toy_results()
        with _inside(tmp_path):
            tell_search(_made(plugin), results[:2])
            tell_search(_made(plugin), results[2:], known=2)

    def test_it_only_reads(self, plugin: Plugin, tmp_path: Path) -> None:
        """It does not change what it is told."""
        results, start = toy_results(), toy_search_start()
        before = [result.model_dump_json() for result in results], start.spec.model_dump_json()
        with _inside(tmp_path):
            tell_search(_made(plugin), results, start=start)
        after = [result.model_dump_json() for result in results], start.spec.model_dump_json()
        require(before == after, "the observer changed a result or the settings; only read them")

    def test_it_prints_nothing(self, plugin: Plugin, tmp_path: Path) -> None:
        """It prints nothing to the standard output, which belongs to the results."""
        with _inside(tmp_path), redirect_stdout(io.StringIO()) as printed:
            tell_search(_made(plugin), toy_results())
            tell_fit(_made(plugin))
        said = printed.getvalue()
        require(not said, f"the observer printed {said[:80]!r}; print to stderr, or nothing")


def tell_search(
    observer: Observer,
    results: list[TrialResult],
    known: int = 0,
    start: SearchStart | None = None,
) -> None:
    """Tell an observer of a search in which some trials are trained one after the other."""
    observer.search_started(start or toy_search_start(known))
    for number, result in enumerate(results, known):
        trial = result.trial.model_copy(update={"number": number})
        observer.trial_started(trial)
        for done in (0.0, 0.5, 1.0):
            observer.trial_progressed(trial, toy_progress(number, done))
        observer.trial_finished(numbered(result, number))
    observer.search_ended(toy_search_end(results))


def tell_fit(observer: Observer) -> None:
    """Tell an observer of a fit."""
    observer.fit_started(toy_fit_start())
    for done in (0.0, 0.5, 1.0):
        observer.fit_progressed(toy_progress(None, done))
    metrics = {"psnr_db": 31.0, "bytes": 1234, "path": "toy.inr", "start": None}
    observer.fit_ended(FitEnd("finished", "", metrics, 2.0))


def toy_search_start(known: int = 0) -> SearchStart:
    """Return the beginning of a search."""
    return SearchStart("toy", "sqlite:///toy.db", STUDY, known, len(SPACE.feasible))


def toy_search_end(results: list[TrialResult]) -> SearchEnd:
    """Return the end of a search with some results."""
    return SearchEnd("finished", "", best_of(results), 3.0)


def toy_fit_start() -> FitStart:
    """Return the beginning of a fit."""
    return FitStart(Path("toy.inr"), PICTURE, FIT, TrainingSpec(), 1, 0)


def toy_progress(number: int | None, done: float) -> TrialProgress:
    """Return the progress of a trial, which has no PSNR in the beginning."""
    return TrialProgress(number, "toy", done, round(500 * done), 30 * done or None)


def toy_results() -> list[TrialResult]:
    """Return scored results of all architectures of a small space, with learning curves."""
    psnr: Callable[..., float] = lambda spec: 20 + spec.width / 8 + spec.depth  # noqa: E731
    specs = [candidate.spec for candidate in SPACE.feasible]
    found = lookup_results(SPACE, psnr, specs, PsnrFlops())
    return [result.model_copy(update={"curve": CURVE, "seconds": 1.5}) for result in found]


def numbered(result: TrialResult, number: int) -> TrialResult:
    """Return a result with the number of its trial."""
    trial = result.trial.model_copy(update={"number": number})
    return result.model_copy(update={"trial": trial})


def _made(plugin: Plugin) -> Observer:
    observer: Observer = plugin.create()
    return observer


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Work in a folder, in which files with relative paths are then written."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
