"""The functions behind `enas-inr study`: prepare a study file, run it, report on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enas_inr.api.measures import measures
from enas_inr.api.reading import read_signal, take_set
from enas_inr.errors import SpecError
from enas_inr.objectives.making import make_objective
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.reports import text
from enas_inr.signals.options import PAPER_SIZE
from enas_inr.spec import Choice
from enas_inr.studies.environment import environment
from enas_inr.studies.file import LoadedStudy, load_study_file
from enas_inr.studies.location import Storage
from enas_inr.studies.loop import Observer
from enas_inr.studies.ordering import in_order
from enas_inr.studies.plan import PlannedStudy, plan
from enas_inr.studies.record import Report, load_record
from enas_inr.studies.run import OnStudy, make_report, run_plan
from enas_inr.studies.settings import SetSettings
from enas_inr.studies.shipped import find_study_file
from enas_inr.studies.space import searched_space
from enas_inr.validation import nearest

if TYPE_CHECKING:
    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal


RECORD = ("results.csv", "curves.csv", "environment.json", "report.html")
"""The files of a record, besides its figures."""


@dataclass(frozen=True)
class PreparedStudy:
    """A study file whose signals are read and whose studies are checked and named.

    Attributes:
        loaded: the file with its changes.
        signals: the signals of the file, or the set of them.
        planned: the studies of the file.
    """

    loaded: LoadedStudy
    signals: tuple[Signal, ...] | SignalSet
    planned: tuple[PlannedStudy, ...]
    catalog: Catalog

    def run(
        self,
        storage: str | None = None,
        *,
        executor: Choice = Choice(name="local"),
        device: str = "auto",
        observer: Observer | None = None,
        on_study: OnStudy = lambda number, study: None,
    ) -> Report:
        """Run or resume all studies to their end, and report on them.

        Raises:
            TrainingError: a study failed. The others were run, and `report` covers them.
            StudyError: the storage cannot be used.
        """
        run_plan(
            self.planned,
            self.signals,
            catalog=self.catalog,
            storage=storage,
            executor=executor,
            device=device,
            observer=observer,
            measures=lambda signal, precision: measures(self.catalog, signal, precision, device),
            on_study=on_study,
        )
        return self.report(Storage(storage).answered())

    def report(self, storage: str | None = None) -> Report:
        """Report on the trials in the storage.

        Raises:
            StudyError: a study has not been run yet.
        """
        return make_report(self.loaded, self.planned, storage, self.catalog)


def prepare(
    path: str | Path,
    *,
    signals: Iterable[str] = (),
    quick: bool = False,
    changes: Mapping[str, Any] | None = None,
    catalog: Catalog | None = None,
) -> PreparedStudy:
    """Read a study file and its signals, and check everything that needs no training.

    Args:
        path: the study file, or the name of one that comes with enas-inr.
        signals: files or samples to study instead of those in the file.
        quick: whether to use the reduced version.
        changes: values by dotted key, such as `{"training.steps": 100}`.
        catalog: the plugins; None for all installed ones.

    Raises:
        SpecError: a key, a name or a value is not valid.
        SignalError: a signal cannot be read.
        BudgetError: nothing fits the budget of a search.
    """
    from enas_inr.reports.figures import FIGURES

    catalog = catalog or load_catalog()
    loaded = load_study_file(find_study_file(path), quick=quick, changes=changes, signals=signals)
    file = loaded.file
    size = PAPER_SIZE if file.size is None else str(file.size)  # of those that have one
    options = file.signal_options
    read: tuple[Signal, ...] | SignalSet
    if file.together:
        found = take_set(catalog, file.signals, SetSettings(signal_options=options), size)
        read = found.those(in_order(found.infos))
    else:
        read = tuple(read_signal(catalog, one, None, size, options) for one in file.signals)
    planned = plan(file, read, catalog)
    for study in planned:
        space = searched_space(study.spec, catalog, make_objective(catalog, study.spec))
        chosen = study.spec.strategy
        catalog.create("strategy", chosen.name, space, options=chosen.options)
    for name in file.figures:
        if name not in FIGURES:
            raise SpecError(f"figures: unknown figure {name!r}", nearest(name, FIGURES))
    return PreparedStudy(loaded, read, tuple(planned), catalog)


def report_of(study: str, storage: str | None = None, catalog: Catalog | None = None) -> Report:
    """Report on one study of a storage, such as that of a search.

    Raises:
        StudyError: there is no such study; the message names the nearest.
    """
    record = load_record(study, storage, catalog or load_catalog())
    return Report(title=study, studies=(record,))


def write_record(report: Report, folder: Path) -> list[Path]:
    """Write the record: table, learning curves, figures, page and environment.

    Raises:
        SignalError: the folder or a file cannot be written.
    """
    from enas_inr.reports.figures import draw_figures, write_figures
    from enas_inr.reports.page import render_page
    from enas_inr.reports.rows import Results
    from enas_inr.signals.files import make_folder, replace_bytes

    make_folder(folder)
    results = Results.of(report)
    drawn = draw_figures(results)
    written = []
    contents = (
        text.as_csv(results),
        text.curves_as_csv(results),
        json.dumps(environment(report), indent=2) + "\n",
        render_page(results, drawn),
    )
    for name, content in zip(RECORD, contents, strict=True):
        written.append(folder / name)
        replace_bytes(written[-1], content.encode())
    return written + write_figures(drawn, folder / "figures")
