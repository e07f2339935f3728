"""Commands with a compact help, whose options have their defaults from a settings file."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from typer import TyperException
from typer.core import TyperCommand, TyperGroup, TyperOption

from enas_inr.cli import help
from enas_inr.cli.settings_file import SettingsFile, check_names, defaults_of, find_settings
from enas_inr.errors import SpecError
from enas_inr.studies.location import VARIABLE as STORAGE

_EAGER = ("help", "help_all", "version")


class Command(TyperCommand):
    """A command.

    Attributes:
        first: names of the options that `--help` shows, in this order; empty for all.
    """

    first: Sequence[str] = ()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        help.print_command(self, ctx, everything=False)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; options that are not given have the value of the settings file."""
        ctx.default_map = Defaults(self, ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Say which options a settings file has decided, and run the command."""
        if not ctx.params.get("quiet"):
            _say_used(ctx)
        return super().invoke(ctx)


class Plain(Command):
    """A command that no settings file changes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments."""
        return TyperCommand.parse_args(self, ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        return TyperCommand.invoke(self, ctx)


class Group(TyperGroup):
    """A group of commands."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        help.print_group(self, ctx)


class Defaults(MutableMapping[str, Any]):
    """The values of the settings file for a command, read when the first one is needed.

    Options such as `--help` do not need it, so that they work with a file that is broken.
    """

    def __init__(self, command: Command, ctx: Any) -> None:
        self._command, self._ctx = command, ctx
        self._values: dict[str, Any] | None = None
        self.paths: dict[str, str] = {}
        """The file of each value."""

    @property
    def _found(self) -> dict[str, Any]:
        if self._values is None:
            self._values = {}
            for file in reversed(find_settings()):
                found = settings_of(file, self._command, self._ctx)
                self._values |= found
                self.paths |= dict.fromkeys(found, str(file.path))
            if os.environ.get(STORAGE):
                self._values.pop("storage", None)
        return self._values

    def __getitem__(self, name: str) -> Any:
        if name in _EAGER:
            raise KeyError(name)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __setitem__(self, name: str, value: Any) -> None:
        self._found[name] = value

    def __delitem__(self, name: str) -> None:
        del self._found[name]


def settings_of(file: SettingsFile, command: Any, ctx: Any) -> dict[str, Any]:
    """Return the values of a settings file for a command, by the names of its parameters.

    Raises:
        SpecError: a name is unknown or a value is wrong.
    """
    root = ctx.find_root()
    options = _options(command, ctx)
    check_names(file, {*root.command.commands, *options}, lambda: all_options(root))

    def check(option: Any, value: Any) -> None:
        try:
            converted = option.process_value(ctx, value)
        except TyperException as error:
            said = getattr(error, "message", "") or error.format_message()
            raise SpecError(said.rstrip("."), "correct it") from None
        getattr(command, "check_setting", lambda name, value: None)(option.name, converted)

    words = ctx.command_path.removeprefix(root.command_path).strip()
    return defaults_of(file, words, options, check)


def check_settings(file: SettingsFile, root: Any) -> None:
    """Check a settings file for all commands; raises as `settings_of`.

    Args:
        file: the settings file.
        root: the context of the program.
    """
    for command, ctx in _leaves(root):
        settings_of(file, command, ctx)


def all_options(root: Any) -> set[str]:
    """Return the long names of the options of all commands, without dashes in front."""
    return {name for command, ctx in _leaves(root) for name in _options(command, ctx)}


def _leaves(ctx: Any) -> Iterator[tuple[Any, Any]]:
    """Iterate over all commands of a group, each with a context of its own."""
    for name, command in ctx.command.commands.items():
        inner = type(ctx)(command, parent=ctx, info_name=name)
        if isinstance(command, TyperGroup):
            yield from _leaves(inner)
        else:
            yield command, inner


def _options(command: Any, ctx: Any) -> dict[str, Any]:
    """Return the options of a command by their long names, without dashes in front."""
    return {
        flag.removeprefix("--"): param
        for param in command.get_params(ctx)
        if isinstance(param, TyperOption) and param.name not in _EAGER
        for flag in param.opts
        if flag.startswith("--")
    }


def _say_used(ctx: Any) -> None:
    """Say on stderr which options have a value from a settings file."""
    from enas_inr.cli.saying import say

    used = {
        name: value
        for name, value in ctx.params.items()
        if getattr(ctx.get_parameter_source(name), "name", "") == "DEFAULT_MAP"
    }
    by_path: dict[str, list[str]] = {}
    for name, value in used.items():
        text = f"{name.replace('_', '-')}={_shown(value)}"
        by_path.setdefault(ctx.default_map.paths[name], []).append(text)
    for path, texts in by_path.items():
        say(f"from {path}: {', '.join(texts)}", error=True)


def _shown(value: Any) -> str:
    from enas_inr.studies.location import without_passwords

    text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return without_passwords(text)
