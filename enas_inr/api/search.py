"""The function behind `enas-inr search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SkipValidation

from enas_inr.api.keywords import takes
from enas_inr.api.measures import measures
from enas_inr.api.reading import take_signal
from enas_inr.api.settings import SearchSettings
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import SearchResult
from enas_inr.spec import Choice
from enas_inr.studies.ask import study_spec
from enas_inr.studies.loop import Observer
from enas_inr.studies.search import run_study
from enas_inr.validation import parse

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal


class SearchCall(SearchSettings, arbitrary_types_allowed=True):
    """The settings of a search, and the objects that take part in a call."""

    catalog: Annotated[
        SkipValidation[Catalog | None], Field(description="The plugins; None: all installed ones.")
    ] = None
    observer: Annotated[
        SkipValidation[Observer | None], Field(description="Notified of each event of the search.")
    ] = None


@takes(SearchCall)
def search(signal: str | Path | Signal, call: SearchCall) -> SearchResult:
    """Find the best ensemble for a signal under a budget; the defaults are the paper's.

    `signal` is a file, a sample such as `sample:photo`, or a Signal. Repeating the call resumes the
    study.

    Raises:
        SpecError: a setting or a name is not valid.
        SignalError: the signal cannot be read.
        BudgetError: no architecture fits the budget.
        StudyError: the study or its storage cannot be used.
        TrainingError: every trial failed or diverged.
    """
    catalog = call.catalog or load_catalog()
    taken = take_signal(catalog, signal, call, default=call.usual_size)
    settings = call.settled(catalog)
    executor = {"name": call.chosen("executor"), "options": dict(settings.executor_options or {})}
    spec = study_spec(settings, taken.info(), catalog)
    return run_study(
        spec,
        taken,
        catalog=catalog,
        name=settings.study,
        storage=settings.storage,
        executor=parse(Choice, executor, "executor"),
        device=settings.device,
        pictures=settings.pictures,
        observer=call.observer,
        stopping=settings.stop_rules,
        measure=measures(catalog, taken, spec.budget.precision, settings.device),
    )
