"""Plan the studies of a study file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from enas_inr.backbones.feasibility import resolved
from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import EnsembleSpec, SignalInfo, StudySpec
from enas_inr.studies.ask import architecture, study_spec
from enas_inr.studies.file import SearchTable, StudyFile
from enas_inr.studies.record import Published
from enas_inr.studies.search import study_name

if TYPE_CHECKING:
    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal


@dataclass(frozen=True)
class PlannedStudy:
    """One study of a study file.

    Attributes:
        name: name in the storage, derived from the settings, so that equal studies of several
            files share it.
        label: label for people; empty if the file has only one study.
        spec: specification of the study.
        signal: index of its signal in the file; 0 if they are a set.
        names: names of its rows by canonical key, in the order of the file.
        published: published values by name; empty for other signals.
    """

    name: str
    label: str
    spec: StudySpec
    signal: int
    names: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)


def plan(
    file: StudyFile, signals: Sequence[Signal] | SignalSet, catalog: Catalog
) -> list[PlannedStudy]:
    """Name and check every study that a file asks for, signal by signal.

    Args:
        file: the file.
        signals: its signals, or a set of them for all studies.
        catalog: the plugins.

    Raises:
        SpecError: a name, an option or a value is not valid.
    """
    if file.together:
        about: list[SignalInfo | Sequence[SignalInfo]] = [cast("SignalSet", signals).infos]
        names = [""]
    else:
        about = [signal.info() for signal in signals]
        names = _distinct_names(file, signals, [signal.info() for signal in signals])
    planned = []
    several = sum(len(search.each_grid) for search in file.searches) > 1
    for index, info in enumerate(about):
        for search in file.searches:
            for grid in (None,) if search.rows else search.each_grid:
                parts = [names[index]] if len(about) > 1 else []
                parts += [search.name] if several else []
                parts += [f"M={grid}"] if grid is not None and len(search.each_grid) > 1 else []
                spec = _spec(file, search, grid, info, catalog)
                planned.append(
                    PlannedStudy(
                        name=study_name(spec),
                        label=" ".join(parts),
                        spec=spec,
                        signal=index,
                        names=dict(_names(search, spec, catalog)),
                        published=_published(file, search, info),
                    )
                )
    return planned


def _spec(
    file: StudyFile,
    search: SearchTable,
    grid: int | None,
    signal: SignalInfo | Sequence[SignalInfo],
    catalog: Catalog,
) -> StudySpec:
    settings = file.settings_of(search, catalog)
    if search.grids:
        settings = settings.model_copy(update={"grid": grid})
    rows = [_row_spec(search, number) for number in range(len(search.rows))]
    return study_spec(settings, signal, catalog, rows=rows, where=f"search {search.name!r}: ")


def _distinct_names(
    file: StudyFile, signals: Sequence[Signal], infos: Sequence[SignalInfo]
) -> list[str]:
    """Return names that tell the signals apart.

    Raises:
        SpecError: two signals are the same.
    """
    seen: dict[object, str] = {}
    for source, info in zip(file.signals, infos, strict=True):
        first = seen.setdefault(info.identity, source)
        if first is not source:
            raise SpecError(f"signals {first!r} and {source!r} are the same", "name it once")
    names = [signal.name for signal in signals]
    # Files of different folders may have the same name.
    return names if len(set(names)) == len(names) else list(file.signals)


def _row_spec(search: SearchTable, number: int) -> EnsembleSpec:
    row = search.rows[number]
    what = f"search {search.name!r}: row {row.name!r}"
    return architecture(search, what, grid=row.grid, depth=row.depth, width=row.width)


def _names(search: SearchTable, spec: StudySpec, catalog: Catalog) -> Iterator[tuple[str, str]]:
    for number, row in enumerate(search.rows):
        named = _row_spec(search, number)
        ensemble, _ = resolved(named, spec.signal, catalog, spec.training)
        yield ensemble.key(), row.name


def _published(
    file: StudyFile, search: SearchTable, signal: SignalInfo | Sequence[SignalInfo]
) -> dict[str, Published]:
    if not isinstance(signal, SignalInfo) or not file.published_for:
        return {}
    if signal.fingerprint != file.published_for:
        return {}
    return {row.name: Published(row.published_psnr, row.published_flops) for row in search.rows}
