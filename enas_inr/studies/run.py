"""Run what a study file asks for, and read it back for a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from enas_inr.catalog import Catalog
from enas_inr.engine import Observer, run_study
from enas_inr.errors import EnasInrError, TrainingError
from enas_inr.reports.record import Report, StudyRecord, load_record
from enas_inr.spec import Choice
from enas_inr.studies.file import LoadedStudy
from enas_inr.studies.plan import PlannedStudy

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

OnStudy = Callable[[int, PlannedStudy], None]


def run_plan(
    planned: Sequence[PlannedStudy],
    signals: Sequence[Signal],
    *,
    catalog: Catalog,
    storage: str,
    executor: Choice = Choice(name="local"),
    device: str = "auto",
    observer: Observer | None = None,
    on_study: OnStudy = lambda number, study: None,
) -> None:
    """Run every study to its end, or continue it; what is in the storage is not done again.

    A study that fails does not keep the others from running.

    Raises:
        TrainingError: some failed; the message names the first and its reason.
    """
    failures: list[tuple[PlannedStudy, EnasInrError]] = []
    for number, study in enumerate(planned):
        on_study(number, study)
        try:
            run_study(
                study.spec,
                signals[study.signal],
                catalog=catalog,
                name=study.name,
                storage=storage,
                executor=executor,
                device=device,
                observer=observer,
                reuse=True,
            )
        except EnasInrError as error:
            if len(planned) == 1:
                raise
            failures.append((study, error))
    if failures:
        first, reason = failures[0]
        raise TrainingError(
            f"{len(failures)} of {len(planned)} studies failed, the first "
            f"({first.label or first.name}): {reason}"
        )


def make_report(
    loaded: LoadedStudy, planned: Sequence[PlannedStudy], storage: str, catalog: Catalog
) -> Report:
    """Read the studies back, for a table, figures and a page.

    Raises:
        StudyError: one of them was not run yet.
    """
    file = loaded.file
    records: list[StudyRecord] = [
        load_record(study.name, storage, catalog, label=study.label, names=study.names)
        for study in planned
    ]
    return Report(
        title=file.title,
        summary=file.summary,
        source=file.source,
        reduced=loaded.reduced,
        studies=tuple(records),
        baseline=file.baseline,
        published={name: value for s in planned for name, value in s.published.items()},
        figures=file.figures,
    )
