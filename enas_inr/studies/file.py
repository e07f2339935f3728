"""A study file: what to train or search, on which signals, and what to show.

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

    [quick]                    # changes for `--quick`; searches are found by name
    size = "48"
    training.steps = 60
    searches.fixed.rows = [{ name = "small", grid = 4, depth = 1, width = 16 }]
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

from enas_inr.errors import SpecError
from enas_inr.plain_text import check_depth
from enas_inr.spec import Choice
from enas_inr.studies.settings import SignalSettings, StudySettings, TrainingSettings
from enas_inr.validation import Frozen, nearest, parse

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog

LARGEST = 2**24  # bytes, many times as many as a study file has

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, with whose mark it begins
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_PRESENTATION = {"title", "summary", "source", "figures"}
"""Keys that change only the presentation, not the results."""


class NamedRow(Frozen):
    """One architecture of a table.

    Attributes:
        name: name for people.
        published_psnr: PSNR that a paper reports, in its own convention.
        published_flops: FLOPs that the paper prints.
    """

    name: str
    grid: int
    depth: int
    width: int
    published_psnr: float | None = None
    published_flops: int | None = None


class SearchTable(StudySettings):
    """One search for each grid; or, with `rows`, the training of given architectures.

    It has every setting of a search under its name.

    Attributes:
        name: name for people, unique in the file.
        grids: values of M, each of which is searched separately.
        rows: given architectures, instead of grids, widths, depths and a strategy.
    """

    name: str
    grids: Annotated[tuple[int, ...] | None, Field(min_length=1)] = None
    rows: tuple[NamedRow, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _choices(cls, data: Any) -> Any:
        """Accept a plugin as a table of name and options, and `options` for the backbone."""
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
        searched = {
            "grid",
            "grids",
            "widths",
            "depths",
            "search",
            "strategy",
        } & self.model_fields_set
        if self.rows and searched:
            raise ValueError(f"rows leave nothing for {', '.join(sorted(searched))}; drop either")
        if {"grid", "grids"} <= searched:
            raise ValueError("grid and grids are both given; drop either")
        _distinct([row.name for row in self.rows], "row")
        _distinct(
            [f"M={row.grid} d={row.depth} w={row.width}" for row in self.rows], "architecture"
        )
        _distinct([f"M={grid}" for grid in self.grids or ()], "grid")
        return self

    @property
    def each_grid(self) -> tuple[int | None, ...]:
        """The grids, each of which is searched separately; None for the default."""
        return self.grids or (self.grid,)


class StudyFile(SignalSettings, TrainingSettings):
    """The content of a study file.

    The settings for reading signals and for training have the same names as in a search. Those in
    the table of a search take precedence.

    Attributes:
        source: source of the study, such as a table of a paper.
        signals: files or samples, each of which is studied separately.
        together: whether they are a set instead, so that each search is about all of them; they may
            then be folders, patterns, text files of paths and groups such as `samples:photos`.
        baseline: name of the row with which others on the same signal are compared.
        figures: names of the figures to draw; empty for all that apply.
        published_for: SHA-256 fingerprint of the signal to which published values belong.
    """

    title: str
    summary: str = ""
    source: str = ""
    signals: tuple[str, ...] = Field(default=("sample:photo",), min_length=1)
    together: bool = False
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
                f"baseline {self.baseline!r} is not a row; {nearest(self.baseline, rows)}"
            )
        return self

    def settings_of(self, search: SearchTable, catalog: Catalog) -> StudySettings:
        """Return the settings of a search, completed by the settings of the file.

        Raises:
            SpecError: a setting is a shortcut for an option that a plugin does not take.
        """
        common = self.settled(catalog)
        own = search.settled(catalog)
        unsaid = (TrainingSettings.model_fields.keys() & common.given()) - own.given().keys()
        changes: dict[str, Any] = {name: getattr(common, name) for name in unsaid}
        changes["training"] = {**(common.training or {}), **(own.training or {})}
        return own.model_copy(update=changes)


@dataclass(frozen=True)
class LoadedStudy:
    """A study file as it is run.

    Attributes:
        name: name of the file without its suffix.
        file: content of the file with all changes.
        reduced: description of the changes for people; empty if there are none.
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
        quick: whether to apply its table `quick`.
        changes: values by dotted key, such as `training.steps` or `searches.NAME.widths`.
        signals: signals to study instead of those in the file.

    Raises:
        SpecError: the file cannot be read, has no table `quick`, or a key or a value is not valid.
            For an unknown key, the message names the nearest valid one.
    """
    data = _read(path)
    what = f"study file {path.name}"
    reduction = data.pop("quick", None)
    parse(
        StudyFile, data, what
    )  # first without changes, so that its own errors are not attributed to a change
    reduced = []
    if reduction is not None and not isinstance(reduction, dict):
        raise SpecError(f"{what}: quick is not a table (received {reduction!r})", "write [quick]")
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


def _read(path: Path) -> dict[str, Any]:
    """Read a file in TOML, with or without a byte order mark.

    Raises:
        SpecError: it cannot be read, is too large, not UTF-8, or not TOML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        hint = "; `enas-inr study list` names those there are"
        why = error.strerror if isinstance(error, OSError) else error
        raise SpecError(f"study file {path} cannot be read: {why}{hint}") from None
    if len(content) > LARGEST:
        raise SpecError(f"study file {path} has more than {LARGEST:,} bytes", "give a study file")
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            raise SpecError(f"study file {path} is in {encoding}", "save it as UTF-8")
    try:
        data = tomllib.loads(content.decode("utf-8-sig"))
        check_depth(data)
    except UnicodeDecodeError as error:
        raise SpecError(
            f"study file {path} is not UTF-8: byte {error.object[error.start]:#04x} at "
            f"{error.start}",
            "save it as UTF-8",
        ) from None
    except RecursionError:
        raise SpecError(f"study file {path} is nested too deeply", "write it flat") from None
    except ValueError as error:
        raise SpecError(f"study file {path} is not TOML: {error}") from None
    return data


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _changed(data: Mapping[str, Any], changes: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Merge changes into the data of a file, table by table; searches are found by name."""
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
    """Describe changes in one line: `size 48, steps 60`; for long values only the key."""
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
    """Move the value of an old spelling to its key."""
    if key in data:
        raise SpecError(f"{what}: options and {key} are both given", "drop either")
    data[key] = value


def _distinct(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} {name!r} is given twice; rename one")
