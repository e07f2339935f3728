"""`enas-inr plugins new`: create a package with a working example of a plugin."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say


def new(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            help="Kind of plugin: backbone, modality, strategy, objective, executor, optimizer or "
            "observer."
        ),
    ],
    name: Annotated[
        str,
        typer.Argument(
            help="Name of the package, in lower case with '-'; enas-inr-sinc provides sinc."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="New or empty folder.", show_default="name of the package"
        ),
    ] = None,
) -> None:
    """Create a package with a working example plugin, ready to install, test and change."""
    from enas_inr.plugins.scaffold.names import check_unused, names_of
    from enas_inr.plugins.scaffold.package import commands, render, write

    names = names_of(kind, name)
    check_unused(names, arguments.load_catalog(context))
    folder = output or Path(name)
    files = render(kind, name)
    write(folder, files)
    say(f"{names.kind} {names.plugin!r} is in {folder}:")
    for path in sorted(files):
        say(f"  {path}")
    say("Next steps:")
    for command in (f"cd {shlex.quote(str(folder))}", *commands(names)):
        say(f"  {command}", command=True)
