"""`enas-inr plugins new`: a package to begin with, which works as it is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from enas_inr.cli import arguments


def new(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="backbone, modality, strategy, objective or executor.")
    ],
    name: Annotated[
        str,
        typer.Argument(
            help="Of the package, such as enas-inr-sinc: it provides sinc. In lower case, with '-'."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A new or empty folder.", show_default="named like the package"
        ),
    ] = None,
) -> None:
    """Write a package with a plugin that works: to be installed, tested and then changed."""
    from enas_inr.plugins.scaffold.names import check_unused, names_of
    from enas_inr.plugins.scaffold.package import commands, render, write

    names = names_of(kind, name)
    check_unused(names, arguments.load_catalog(context))
    folder = output or Path(name)
    files = render(kind, name)
    write(folder, files)
    print(f"{names.kind} {names.plugin!r} is in {folder}:")
    for path in sorted(files):
        print(f"  {path}")
    print("Now:")
    for command in (f"cd {shlex.quote(str(folder))}", *commands(names)):
        print(f"  {command}")
