"""What a report is about: studies as they are in their storage, and what to say about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from enas_inr.backbones.feasibility import feasible_space
from enas_inr.errors import EnasInrError
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import TraceStep, TrialResult, TrialStatus
from enas_inr.spec import StudySpec
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.reading import find_pictures, read_study


@dataclass(frozen=True)
class Published:
    """What a paper says about one row.

    Attributes:
        psnr_paper_db: in its own convention.
        flops: as printed.
    """

    psnr_paper_db: float | None = None
    flops: int | None = None


@dataclass(frozen=True)
class StudyRecord:
    """One study.

    Attributes:
        name: in its storage.
        label: for people; empty where there is only one.
        spec: what was asked.
        results: its trials, in the order of their numbers.
        names: what some architectures are called, by their canonical key.
        published: a paper's values, by those names; empty if they are of another signal.
        trace: the strategy's decisions; empty if the strategy is not installed here.
        original: the signal, as a picture or a sound.
        pictures: the reconstructions (first repeat, last weights), by trial number.
    """

    name: str
    label: str
    spec: StudySpec
    results: tuple[TrialResult, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)
    trace: tuple[TraceStep, ...] = ()
    original: StoredPicture | None = None
    pictures: Mapping[int, StoredPicture] = field(default_factory=dict)

    def name_of(self, result: TrialResult) -> str:
        """What an architecture is called, for people."""
        return self.names.get(result.key, result.trial.ensemble.label())


@dataclass(frozen=True)
class Report:
    """Studies that are looked at together.

    Attributes:
        title: one line.
        summary: a few sentences; empty: none.
        source: what it reproduces, such as a table of a paper.
        reduced: in which way this is less than the full study; empty: it is the full one.
        studies: at least one.
        baseline: the name of the row with which the others are compared.
        figures: those to draw, of `enas_inr.reports.figures.FIGURES`; empty: all that apply.
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
    storage: str,
    catalog: Catalog,
    *,
    label: str = "",
    names: Mapping[str, str] | None = None,
    published: Mapping[str, Published] | None = None,
) -> StudyRecord:
    """Read a study; see `StudyRecord`.

    Raises:
        StudyError: no such study; the message names the nearest.
    """
    spec, every = read_study(name, storage)
    results = _without_superseded(every)
    original, pictures = find_pictures(name, storage)
    return StudyRecord(
        name=name,
        label=label,
        spec=spec,
        results=tuple(results),
        names=names or {},
        published=published or {},
        trace=_trace(spec, results, catalog),
        original=original,
        pictures=pictures,
    )


def _without_superseded(results: list[TrialResult]) -> list[TrialResult]:
    """Leave out failures of architectures that were tried again."""
    last = {result.key: result.trial.number for result in results}
    return [
        result
        for result in results
        if result.status is not TrialStatus.FAILED or last[result.key] == result.trial.number
    ]


def _trace(spec: StudySpec, results: list[TrialResult], catalog: Catalog) -> tuple[TraceStep, ...]:
    try:
        space, chosen = feasible_space(spec, catalog), spec.strategy
        strategy = catalog.create("strategy", chosen.name, space, options=chosen.options)
        return tuple(strategy.trace(results))
    except EnasInrError:  # of a plugin that is not here, or fails
        return ()
