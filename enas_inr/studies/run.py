"""Run the studies of a study file, and read them back for a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from enas_inr.backbones.feasibility import Measure
from enas_inr.errors import EnasInrError, PluginError, StudyError, TrainingError
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import Choice
from enas_inr.spec.budget import Precision
from enas_inr.studies.file import LoadedStudy
from enas_inr.studies.location import Storage
from enas_inr.studies.loop import Observer
from enas_inr.studies.plan import PlannedStudy
from enas_inr.studies.record import Report, load_record
from enas_inr.studies.search import run_study
from enas_inr.studies.storage import study_names
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal

OnStudy = Callable[[int, PlannedStudy], None]


def run_plan(
    planned: Sequence[PlannedStudy],
    signals: Sequence[Signal] | SignalSet,
    *,
    catalog: Catalog,
    storage: str | None,
    executor: Choice = Choice(name="local"),
    device: str = "auto",
    observer: Observer | None = None,
    measures: Callable[[Signal | SignalSet, Precision], Measure] | None = None,
    on_study: OnStudy = lambda number, study: None,
) -> None:
    """Run or resume every study; trials in the storage are not trained again.

    If the training of a study fails, the others still run.

    Raises:
        TrainingError: a study failed; the message names the first one and the reason.
        StudyError: the storage cannot be used.
    """
    failures: list[tuple[PlannedStudy, EnasInrError]] = []
    place = Storage(storage)
    for number, study in enumerate(planned):
        on_study(number, study)
        of_set = cast("SignalSet", signals) if study.spec.signals else None
        signal = of_set or signals[study.signal]
        try:
            run_study(
                study.spec,
                signal,
                catalog=catalog,
                name=study.name,
                storage=place,
                executor=executor,
                device=device,
                observer=observer,
                reuse=True,
                measure=measures and measures(signal, study.spec.budget.precision),
            )
        except (TrainingError, PluginError) as error:
            if len(planned) == 1 or catalog.strict:
                raise
            failures.append((study, error))
        place = place.answered()
    if failures:
        first, reason = failures[0]
        raise TrainingError(
            f"{len(failures)} of {counted(len(planned), 'study', 'studies')} failed, the first "
            f"({first.label or first.name}): {reason}"
        )


def make_report(
    loaded: LoadedStudy, planned: Sequence[PlannedStudy], storage: str | None, catalog: Catalog
) -> Report:
    """Read the studies back for a table, figures and a page.

    For an unfinished run, the report has the finished trials and says what is missing.

    Raises:
        StudyError: none of the studies has been run.
    """
    file = loaded.file
    place = Storage(storage)
    known = set(study_names(place))
    records = [
        load_record(
            study.name,
            place,
            catalog,
            label=study.label,
            names=study.names,
            published=study.published,
        )
        for study in planned
        if study.name in known
    ]
    if not records:
        raise StudyError(
            f"{loaded.name} has not been run with these settings in {place}",
            "run `enas-inr study run` first, or give the same --signal, --quick and --set",
        )
    reduced = [loaded.reduced] if loaded.reduced else []
    if missing := len(planned) - len(records):
        reduced.append(f"{missing} of {len(planned)} studies have not been run yet")
    return Report(
        title=file.title,
        summary=file.summary,
        source=file.source,
        reduced="; ".join(reduced),
        studies=tuple(records),
        baseline=file.baseline,
        figures=file.figures,
    )
