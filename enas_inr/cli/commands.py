"""Commands with a compact help, whose options have their defaults from a settings file."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption

from enas_inr.cli import help
from enas_inr.cli.settings_file import check_names, defaults_of, find_settings

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
        self.path = ""

    @property
    def _found(self) -> dict[str, Any]:
        if self._values is None:
            self._values = {}
            file = find_settings()
            if file:
                self.path = str(file.path)
                root = self._ctx.find_root()
                check_names(file, root.command.commands)
                words = self._ctx.command_path.removeprefix(root.command_path).strip()
                options = {
                    flag.removeprefix("--"): param
                    for param in self._command.get_params(self._ctx)
                    if isinstance(param, TyperOption) and param.name not in _EAGER
                    for flag in param.opts
                    if flag.startswith("--")
                }
                self._values = defaults_of(file, words, options)
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


def _say_used(ctx: Any) -> None:
    """Say on stderr which options have a value from a settings file."""
    from enas_inr.cli.saying import say

    used = {
        name: value
        for name, value in ctx.params.items()
        if getattr(ctx.get_parameter_source(name), "name", "") == "DEFAULT_MAP"
    }
    if used:
        texts = [f"{name.replace('_', '-')}={_shown(value)}" for name, value in used.items()]
        say(f"from {ctx.default_map.path}: {', '.join(texts)}", error=True)


def _shown(value: Any) -> str:
    from enas_inr.studies.location import without_passwords

    text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return without_passwords(text)
