"""The content of a report: studies from their storage, with names and published values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from enas_inr.errors import EnasInrError
from enas_inr.objectives.making import make_objective
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import TraceStep, TrialResult, TrialStatus
from enas_inr.spec import StudySpec
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.reading import find_pictures, read_study
from enas_inr.studies.space import stored_space


@dataclass(frozen=True)
class Published:
    """The published values of a row.

    Attributes:
        psnr_paper_db: PSNR in the convention of the paper.
        flops: FLOPs as printed.
    """

    psnr_paper_db: float | None = None
    flops: int | None = None


@dataclass(frozen=True)
class StudyRecord:
    """One study of a report.

    Attributes:
        name: name in its storage.
        label: label for people; empty if there is only one study.
        spec: specification of the study.
        results: trials in the order of their numbers.
        names: names of some architectures by canonical key.
        published: published values by name; empty if they belong to another signal.
        trace: decisions of the strategy; empty if the strategy is not installed.
        originals: the signals, as pictures or sounds, by their numbers.
        pictures: reconstructions (first repeat, last weights) by trial number.
    """

    name: str
    label: str
    spec: StudySpec
    results: tuple[TrialResult, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)
    trace: tuple[TraceStep, ...] = ()
    originals: Mapping[int, StoredPicture] = field(default_factory=dict)
    pictures: Mapping[int, StoredPicture] = field(default_factory=dict)

    @property
    def original(self) -> StoredPicture | None:
        """The signal, as a picture or a sound; of a set, the first one."""
        return self.originals.get(0)

    def name_of(self, result: TrialResult) -> str:
        """Return the name of an architecture for people."""
        return self.names.get(result.key, self.spec.space.label(result.trial.configuration))


@dataclass(frozen=True)
class Report:
    """Studies that are reported together.

    Attributes:
        title: title in one line.
        summary: a few sentences, or empty.
        source: what it reproduces, such as a table of a paper.
        reduced: how it was reduced; empty for the full version.
        studies: at least one study.
        baseline: name of the row with which the others are compared.
        figures: names in `enas_inr.reports.figures.FIGURES`; empty for all that apply.
    """

    title: str
    studies: tuple[StudyRecord, ...]
    summary: str = ""
    source: str = ""
    reduced: str = ""
    baseline: str | None = None
    figures: tuple[str, ...] = ()


def load_record(
    name: str,
    storage: str | None,
    catalog: Catalog,
    *,
    label: str = "",
    names: Mapping[str, str] | None = None,
    published: Mapping[str, Published] | None = None,
) -> StudyRecord:
    """Read a study; see `StudyRecord`.

    Raises:
        StudyError: there is no such study; the message names the nearest.
    """
    spec, every = read_study(name, storage)
    if spec.signals:
        every = _gathered(spec, every, catalog, name, storage)
    results = _without_superseded(every)
    originals, pictures = find_pictures(name, storage)
    return StudyRecord(
        name=name,
        label=label,
        spec=spec,
        results=tuple(_latest(results)),
        names=names or {},
        published=published or {},
        trace=_trace(spec, results, catalog, name, storage),
        originals=originals,
        pictures=pictures,
    )


def _gathered(
    spec: StudySpec, trials: list[TrialResult], catalog: Catalog, name: str, storage: str | None
) -> list[TrialResult]:
    """Return the results of configurations from those on each signal of a set."""
    space = stored_space(spec, name, storage, catalog)
    return Gathering(spec, space, make_objective(catalog, spec)).replayed(trials)


def _without_superseded(results: list[TrialResult]) -> list[TrialResult]:
    """Drop failures of configurations that were tried again."""
    last = {result.key: result.trial.number for result in results}
    return [
        result
        for result in results
        if result.status is not TrialStatus.FAILED or last[result.key] == result.trial.number
    ]


def _latest(results: list[TrialResult]) -> list[TrialResult]:
    """Drop parts of trials that were continued."""
    last = {result.key: result.trial.number for result in results}
    return [
        r for r in results if (r.sample is None and r.over is None) or last[r.key] == r.trial.number
    ]


def _trace(
    spec: StudySpec, results: list[TrialResult], catalog: Catalog, name: str, storage: str | None
) -> tuple[TraceStep, ...]:
    try:
        space = stored_space(spec, name, storage, catalog)
        chosen = spec.strategy
        strategy = catalog.create("strategy", chosen.name, space, options=chosen.options)
        return tuple(strategy.trace(results))
    except EnasInrError:  # the plugin is not installed, or fails
        return ()
