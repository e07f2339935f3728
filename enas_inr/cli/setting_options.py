"""Convert the settings of a model to options of a command, and option values to settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import typer

from enas_inr.cli.arguments import parse_options
from enas_inr.cli.completion import COMPLETED, completing
from enas_inr.studies.setting import Group, Setting, Settings
from enas_inr.validation import parse, parse_integers

ENVIRONMENT = ("device", "executor", "ray_address", "profile")
"""Settings that have a variable of the environment; that of the storage is read where storages are
named."""

SettingsT = TypeVar("SettingsT", bound=Settings)


@dataclass(frozen=True)
class _Option:
    """A setting on the command line.

    Attributes:
        typed: type of the option: a list of KEY=VALUE for a mapping, text with commas for a
            sequence.
        read: converts a value of the option to a value of the setting.
    """

    name: str
    mark: Setting
    flags: tuple[str, ...]
    default: Any
    typed: Any
    read: Callable[[Any], Any] = lambda value: value
    metavar: str | None = None

    def parameter(self) -> inspect.Parameter:
        """Return the parameter of a function from which typer makes the option."""
        option = typer.Option(
            *self.flags,
            help=self.mark.help,
            envvar=f"ENAS_INR_{self.name.upper()}" if self.name in ENVIRONMENT else None,
            autocompletion=completing(self.name) if self.name in COMPLETED else None,
            metavar=self.metavar or self.mark.value or None,
            show_default=self.mark.shown or True,
            rich_help_panel=None if self.mark.group is Group.MAIN else self.mark.group.value,
        )
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=self.default,
            annotation=Annotated[self.typed, option],
        )


def parameters(model: type[Settings]) -> list[inspect.Parameter]:
    """Return a parameter for each setting that is on the command line."""
    return [option.parameter() for option in _options(model).values()]


def read(model: type[SettingsT], given: Mapping[str, Any], what: str) -> SettingsT:
    """Make the settings from the values of the options.

    Raises:
        SpecError: a value is not valid.
    """
    values = {
        name: option.read(given[name])
        for name, option in _options(model).items()
        if given[name] != option.default
    }
    return parse(model, {name: v for name, v in values.items() if v not in (None, {})}, what)


def check(model: type[Settings], name: str, value: Any) -> None:
    """Check the value of one option alone; a name that is no setting is left to others.

    Raises:
        SpecError: it is not valid.
    """
    option = _options(model).get(name)
    if option and value is not None:
        parse(model, {name: option.read(value)}, option.flags[0])


def spell(model: type[Settings], name: str) -> str:
    """Return the name of a setting as it is spelled on the command line."""
    option = _options(model).get(name)
    return option.flags[0].partition("/")[0] if option else name


def _options(model: type[Settings]) -> dict[str, _Option]:
    made = {}
    for name, mark in model.marks().items():
        field = model.model_fields[name]
        if mark.on_command_line:
            made[name] = _option(name, mark, field.annotation, field.default)
    return made


def _option(name: str, mark: Setting, annotation: Any, default: Any) -> _Option:
    types = {get_origin(part) or part: part for part in _parts(annotation)}
    flag = f"--{name.replace('_', '-')}"
    if Mapping in types:
        flags = mark.flags or (flag.removesuffix("s"),)
        pairs = partial(parse_options, option=flags[0])
        return _Option(name, mark, flags, None, list[str] | None, pairs, "KEY=VALUE")
    flags = mark.flags or ((f"{flag}/--no{flag[1:]}",) if bool in types else (flag,))
    if Sequence in types:
        split = (
            partial(parse_integers, what=flags[0]) if int in get_args(types[Sequence]) else _names
        )
        text = ",".join(map(str, default or ())) or None
        return _Option(name, mark, flags, text, str if text else str | None, split)
    typed: Any = next(kind for kind in (Path, str, *types) if kind in types)
    return _Option(name, mark, flags, default, typed if default is not None else typed | None)


def _parts(annotation: Any) -> Iterator[Any]:
    """Return the types of a union without None."""
    if get_origin(annotation) is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _parts(part)
    elif annotation is not NoneType:
        yield annotation


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")] if text else []
