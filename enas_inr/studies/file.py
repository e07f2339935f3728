"""A study file: what to train or to search, on which signals, and what to show of it.

::

    title = "Width against depth"
    signals = ["sample:photo"]
    repeats = 3

    [training]
    steps = 500

    [[searches]]
    name = "SIREN"
    grids = [8, 16]            # a search for each
    widths = [16, 32, 64]
    strategy = "coordinate"

    [[searches]]
    name = "fixed"
    rows = [{ name = "small", grid = 8, depth = 1, width = 32 }]

    [quick]                    # what `--quick` changes; searches by their name
    size = "48"
    training.steps = 60
    searches.fixed.rows = [{ name = "small", grid = 4, depth = 1, width = 16 }]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

from enas_inr.errors import SpecError
from enas_inr.spec import Choice
from enas_inr.studies.settings import SignalSettings, StudySettings, TrainingSettings
from enas_inr.validation import Frozen, nearest, parse

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog

_PRESENTATION = {"title", "summary", "source", "figures"}
"""Keys that change what is shown, not what is measured."""


class NamedRow(Frozen):
    """One architecture of a table.

    Attributes:
        name: as people call it.
        published_psnr: what a paper reports, in its own convention.
        published_flops: as it prints them.
    """

    name: str
    grid: int
    depth: int
    width: int
    published_psnr: float | None = None
    published_flops: int | None = None


class SearchTable(StudySettings):
    """One search for each grid; or, with `rows`, the training of given architectures.

    It has every setting that decides a search, under its name.

    Attributes:
        name: for people; unique in the file.
        grids: several M, each searched by itself.
        rows: instead of grids, widths, depths and a strategy.
    """

    name: str
    grids: Annotated[tuple[int, ...] | None, Field(min_length=1)] = None
    rows: tuple[NamedRow, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _choices(cls, data: Any) -> Any:
        """Read a plugin as a table of its name and options, and `options` as the backbone's."""
        if not isinstance(data, Mapping):
            return data
        read = dict(data)
        for kind in ("strategy", "objective"):
            if isinstance(read.get(kind), Mapping):
                what = f"search {data.get('name')!r}: {kind}"
                chosen = parse(Choice, read[kind], what)
                _put(read, f"{kind}_options", chosen.options, what)
                read[kind] = chosen.name
        if "options" in read:
            _put(read, "backbone_options", read.pop("options"), f"search {data.get('name')!r}")
        return read

    @model_validator(mode="after")
    def _rows_or_search(self) -> Self:
        searched = {"grid", "grids", "widths", "depths", "strategy"} & self.model_fields_set
        if self.rows and searched:
            raise ValueError(f"rows leave nothing for {', '.join(sorted(searched))}; drop either")
        if {"grid", "grids"} <= searched:
            raise ValueError("grid and grids are both given; drop either")
        _distinct([row.name for row in self.rows], "row")
        _distinct(
            [f"M={row.grid} d={row.depth} w={row.width}" for row in self.rows], "architecture"
        )
        _distinct([f"M={grid}" for grid in self.each_grid], "grid")
        return self

    @property
    def each_grid(self) -> tuple[int, ...]:
        """The grids, each of which is searched by itself."""
        return self.grids or (self.grid,)


class StudyFile(SignalSettings, TrainingSettings):
    """Everything in a study file but its name.

    How its signals are read and how all its networks are trained has the names that it has in a
    search; a search's own table goes before.

    Attributes:
        source: where it comes from, such as a table of a paper.
        signals: files or samples, each studied by itself.
        baseline: the name of the row with which others on the same signal are compared.
        figures: to draw; empty: all that apply.
        published_for: the SHA-256 fingerprint of the signal that published values are of.
    """

    title: str
    summary: str = ""
    source: str = ""
    signals: tuple[str, ...] = Field(default=("sample:photo",), min_length=1)
    searches: tuple[SearchTable, ...] = Field(min_length=1)
    baseline: str | None = None
    figures: tuple[str, ...] = ()
    published_for: str = ""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        _distinct([search.name for search in self.searches], "search")
        rows = {row.name for search in self.searches for row in search.rows}
        if self.baseline is not None and self.baseline not in rows:
            raise ValueError(
                f"baseline {self.baseline!r} is no row; {nearest(self.baseline, rows)}"
            )
        return self

    def settings_of(self, search: SearchTable, catalog: Catalog) -> StudySettings:
        """The settings of one of its searches, with the file's where it says nothing itself.

        Raises:
            SpecError: one is short for an option that a plugin does not take.
        """
        common = self.settled(catalog)
        own = search.settled(catalog)
        unsaid = (TrainingSettings.model_fields.keys() & common.given()) - own.given().keys()
        changes: dict[str, Any] = {name: getattr(common, name) for name in unsaid}
        changes["training"] = {**(common.training or {}), **(own.training or {})}
        return own.model_copy(update=changes)


@dataclass(frozen=True)
class LoadedStudy:
    """A study file as it is to be run.

    Attributes:
        name: the file's, without suffix.
        file: with all changes.
        reduced: how the changes differ from the file, for people; empty: not at all.
    """

    name: str
    file: StudyFile
    reduced: str


def load_study_file(
    path: Path,
    *,
    quick: bool = False,
    changes: Mapping[str, Any] | None = None,
    signals: Iterable[str] = (),
) -> LoadedStudy:
    """Read a study file.

    Args:
        path: the file, in TOML.
        quick: apply its table `quick`.
        changes: values by dotted key, such as `training.steps` or `searches.NAME.widths`.
        signals: instead of the file's.

    Raises:
        SpecError: it cannot be read, has no `quick`, or a key or a value is not valid; an unknown
            key names the nearest valid one.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "; `enas-inr study list` names those there are"
        raise SpecError(f"study file {path} cannot be read: {error.strerror}{hint}") from None
    except ValueError as error:  # not TOML, not UTF-8
        raise SpecError(f"study file {path} is not TOML: {error}") from None
    what = f"study file {path.name}"
    reduction = data.pop("quick", None)
    parse(StudyFile, data, what)  # what is wrong there, is not blamed on a change
    reduced = []
    if reduction is not None and not isinstance(reduction, dict):
        raise SpecError(f"{what}: quick is no table (received {reduction!r})", "write [quick]")
    if quick:
        if reduction is None:
            raise SpecError(f"{what} has no table `quick`", "run it without --quick")
        data = _changed(data, reduction, f"{what}: quick")
        reduced.append(f"quick version ({_told(reduction)})")
    elif reduction is not None:
        parse(StudyFile, _changed(data, reduction, f"{what}: quick"), f"{what}: quick")
    for key, value in (changes or {}).items():
        data = _changed(data, _nested(key, value), f"--set {key}")
    if changes:
        parse(StudyFile, data, "--set")
    if of_results := {k: v for k, v in (changes or {}).items() if k not in _PRESENTATION}:
        reduced.append(f"changed ({_told(of_results)})")
    if signals := tuple(signals):
        data = data | {"signals": signals}
    return LoadedStudy(path.stem, parse(StudyFile, data, what), "; ".join(reduced))


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _changed(data: Mapping[str, Any], changes: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Merge changes into a file's data, table by table; `searches` are found by their name."""
    made = dict(data)
    for key, value in changes.items():
        old = made.get(key)
        if key == "searches" and isinstance(value, Mapping) and isinstance(old, list):
            by_name = {search.get("name"): search for search in old}
            for name, change in value.items():
                if name not in by_name:
                    raise SpecError(f"{what}: no search {name!r}", nearest(name, by_name))
                if not isinstance(change, Mapping):
                    raise SpecError(
                        f"{what}: search {name!r} cannot be {change!r}",
                        f"change one of its keys, as in searches.{name}.widths",
                    )
            made[key] = [
                _changed(search, value.get(search.get("name"), {}), what) for search in old
            ]
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            made[key] = _changed(old, value, what)
        else:
            made[key] = value
    return made


def _told(changes: Mapping[str, Any], prefix: str = "") -> str:
    """What is changed, in one line: `size 48, steps 60`; of long values, only the key."""
    parts = []
    for key, value in changes.items():
        if isinstance(value, Mapping):
            parts.append(_told(value, f"{prefix}{key} " if prefix or key == "searches" else ""))
        elif isinstance(value, (list, tuple)):
            parts.append(f"other {prefix}{key}".replace("searches ", ""))
        else:
            parts.append(f"{prefix}{key} {value}".replace("searches ", ""))
    return ", ".join(parts)


def _put(data: dict[str, Any], key: str, value: Any, what: str) -> None:
    """Put the value of an old spelling under its key."""
    if key in data:
        raise SpecError(f"{what}: options and {key} are both given", "drop either")
    data[key] = value


def _distinct(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two times the {what} {name!r}; rename one")
