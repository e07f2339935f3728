"""The help of commands: what is needed first, and all of it with `--help-all`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from enas_inr.cli.settings_file import find_settings
from enas_inr.errors import EnasInrError

MOST_WIDTH = 100
NARROW = 70  # columns below which help stands under its option
ALL = "--help-all"
_ALWAYS = ("Output",)
"""Headings whose options are always shown."""


def show_all(context: typer.Context, asked: bool) -> None:
    """Print the help of all options of a command, if that is asked for, and end it."""
    if asked:
        print_command(context.command, context, everything=True)
        raise typer.Exit


All = Annotated[
    bool,
    typer.Option(
        ALL,
        callback=show_all,
        is_eager=True,
        expose_value=False,
        help="Show all options and exit.",
    ),
]


def print_command(command: Any, ctx: Any, *, everything: bool) -> None:
    """Print the help of a command."""
    console = _console()
    params = [param for param in command.get_params(ctx) if not getattr(param, "hidden", False)]
    arguments = [param for param in params if isinstance(param, TyperArgument)]
    options = [param for param in params if isinstance(param, TyperOption)]
    first: Sequence[str] = () if everything else getattr(command, "first", ())
    shown = list(_first(options, first)) if first else options
    _print_head(console, command, ctx)
    _print_rows(console, "Arguments", [(_name_of(one), _help_of(one)) for one in arguments])
    panels: dict[str, list[TyperOption]] = {}
    for option in shown:
        name = "" if first else str(getattr(option, "rich_help_panel", None) or "")
        panels.setdefault(name or "Options", []).append(option)
    for name, some in panels.items():
        _print_rows(console, name, [(_name_of(one), _help_of(one)) for one in some])
    if left := len(options) - len(shown):
        console.print(f"{left} more options: {ctx.command_path} {ALL}", style="dim")
    _print_end(console, command)


def print_group(group: Any, ctx: Any) -> None:
    """Print the help of a group: its commands under their headings, and its options."""
    console = _console()
    _print_head(console, group, ctx)
    panels: dict[str, list[tuple[str, str]]] = {}
    for name in group.list_commands(ctx):
        command: Any = group.get_command(ctx, name)
        if command is None or command.hidden:
            continue
        heading = getattr(command, "rich_help_panel", None) or "Commands"
        text = " ".join((command.help or "").split("\n\n")[0].split())
        panels.setdefault(str(heading), []).append((name, text))
    for heading, rows in panels.items():
        _print_rows(console, heading, rows)
    options = [one for one in group.get_params(ctx) if isinstance(one, TyperOption)]
    rows = [(_name_of(one), _help_of(one)) for one in options if not one.hidden]
    _print_rows(console, "Options", rows)
    _print_end(console, group)


def _console() -> Any:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=False)
    console.width = min(console.width, MOST_WIDTH)
    return console


def _first(options: Sequence[TyperOption], first: Sequence[str]) -> Iterator[TyperOption]:
    """Iterate over the options that are shown first, and those that every command has."""
    by_name = {option.name: option for option in options}
    yield from (by_name[name] for name in first if name in by_name)
    others = [option for option in options if option.name not in first]
    yield from (one for one in others if getattr(one, "rich_help_panel", None) in _ALWAYS)
    yield from (one for one in others if one.opts[0] in ("--help", ALL))


def _name_of(param: Any) -> str:
    """Return how a parameter is written: `--size SIZE`, `--force`, `SIGNAL...`."""
    if isinstance(param, TyperArgument):
        name = str(param.metavar or (param.name or "").upper())
        name += "..." if param.nargs == -1 and not name.endswith("...") else ""
        return name if param.required else f"[{name}]"
    no = [] if param.default is False else param.secondary_opts
    flags = [*sorted(param.opts, key=len), *no]
    text = ", ".join(flags)
    if param.is_flag:
        return text
    usual = next(flag for flag in flags if flag.startswith("--")).rpartition("-")[2].upper()
    return f"{text} {param.metavar or usual}"


def _help_of(param: Any) -> str:
    """Return the help of a parameter with its default."""
    text = param.help or ""
    if isinstance(param.envvar, str):
        text += f" [${param.envvar}]"
    shown, default = param.show_default, param.default
    if isinstance(shown, str):
        default = shown
    elif shown is False or callable(default) or default in (None, False, True, "", ()):
        return text
    return f"{text} (default: {default})"


def _print_head(console: Any, command: Any, ctx: Any) -> None:
    arguments = [_name_of(one) for one in command.params if isinstance(one, TyperArgument)]
    if isinstance(command, TyperGroup):
        arguments.append("COMMAND")
    console.print(" ".join(["Usage:", ctx.command_path, "[OPTIONS]", *arguments]), markup=False)
    for paragraph in (command.help or "").split("\n\n"):
        console.print()
        console.print(" ".join(paragraph.split()), markup=False)
    console.print()


def _print_rows(console: Any, heading: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print names and texts in two columns, or below each other if there is no room for that."""
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    console.print(heading, style="bold")
    if console.width < NARROW:
        for name, text in rows:
            console.print(Text(f"  {name}", style="cyan"))
            console.print(_indented(text))
    else:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="cyan")
        table.add_column()
        for name, text in rows:
            table.add_row(f"  {name}", Text(text))
        console.print(table)
    console.print()


def _indented(text: str) -> Any:
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(text), (0, 0, 0, 6))


def _print_end(console: Any, command: Any) -> None:
    if command.epilog:
        console.print(command.epilog, markup=False, style="dim")
    with suppress(EnasInrError):  # what is wrong with a file is said when it is used
        if files := [str(file.path) for file in find_settings()]:
            console.print(f"Settings: {', '.join(files)}", markup=False, style="dim")
