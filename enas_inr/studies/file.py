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
from typing import Any, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from enas_inr.errors import SpecError
from enas_inr.signals.options import PAPER_SIZE
from enas_inr.spec import Choice, StudySpec
from enas_inr.validation import Frozen, nearest, parse

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


class SearchTable(Frozen):
    """One search for each grid; or, with `rows`, the training of given architectures.

    Attributes:
        name: for people; unique in the file.
        grids: M, each searched by itself.
        rows: instead of grids, widths, depths and a strategy.
        max_flops: as on the command line, `none` for no limit; None: the paper's, with rows none.
        training: changes to the file's.
    """

    name: str
    backbone: str = "siren"
    options: dict[str, JsonValue] = {}
    grids: tuple[int, ...] = Field(default=(8,), min_length=1)
    widths: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    depths: tuple[int, ...] = (1, 2, 3, 4, 5)
    rows: tuple[NamedRow, ...] = ()
    strategy: Choice = Choice(name="coordinate")
    objective: Choice = Choice(name="psnr_flops")
    objectives: tuple[str, ...] = ()
    max_flops: str | None = None
    max_parameters: str | None = None
    max_bytes: str | None = None
    training: dict[str, JsonValue] = {}

    @field_validator("strategy", "objective", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _rows_or_search(self) -> Self:
        searched = {"grids", "widths", "depths", "strategy"} & self.model_fields_set
        if self.rows and searched:
            raise ValueError(f"rows leave nothing for {', '.join(sorted(searched))}; drop either")
        _distinct([row.name for row in self.rows], "row")
        _distinct(
            [f"M={row.grid} d={row.depth} w={row.width}" for row in self.rows], "architecture"
        )
        _distinct([f"M={grid}" for grid in self.grids], "grid")
        return self

    @field_validator("max_flops", "max_parameters", "max_bytes", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return _number_as_text(value)


class StudyFile(Frozen):
    """Everything in a study file but its name.

    Attributes:
        source: where it comes from, such as a table of a paper.
        signals: files or samples, each studied by itself.
        size: of images, as on the command line.
        signal_options: of the modality that reads them, for all signals.
        baseline: the name of the row with which others on the same signal are compared.
        figures: to draw; empty: all that apply.
        published_for: the SHA-256 fingerprint of the signal that published values are of.
    """

    title: str
    summary: str = ""
    source: str = ""
    signals: tuple[str, ...] = Field(default=("sample:photo",), min_length=1)
    size: str = PAPER_SIZE
    signal_options: dict[str, JsonValue] = {}
    repeats: int = Field(default=StudySpec.model_fields["repeats"].default, ge=1)
    seed: int = Field(default=0, ge=0)
    training: dict[str, JsonValue] = {}
    searches: tuple[SearchTable, ...] = Field(min_length=1)
    baseline: str | None = None
    figures: tuple[str, ...] = ()
    published_for: str = ""

    @field_validator("size", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return _number_as_text(value)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        _distinct([search.name for search in self.searches], "search")
        rows = {row.name for search in self.searches for row in search.rows}
        if self.baseline is not None and self.baseline not in rows:
            raise ValueError(
                f"baseline {self.baseline!r} is no row; {nearest(self.baseline, rows)}"
            )
        return self


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


def _number_as_text(value: Any) -> Any:
    """Let `size = 64` and `max_flops = 1e9` be written without quotes."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else value


def _distinct(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two times the {what} {name!r}; rename one")
