"""`enas-inr archive`: put many models of one architecture into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json
from enas_inr.errors import SpecError


def archive(
    context: typer.Context,
    models: Annotated[
        list[Path], typer.Argument(metavar="MODELS", help=".inr files, or folders of them.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Archive to write, such as models.inrs.")
    ],
    precision: Annotated[
        str | None,
        typer.Option(
            help="Precision of the stored numbers: float32, float16 or int8.",
            show_default="that of the models",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    as_json: arguments.Json = False,
) -> None:
    """Pack models of one architecture into one file, from which each can be read on its own.

    `info` lists them, `render` renders all of them or one, and `export --format inr` takes one out.
    """
    from enas_inr.api.archive import pack
    from enas_inr.signals.outputs import is_standard_output
    from enas_inr.validation import counted

    piped = is_standard_output(output)
    if piped and as_json:
        raise SpecError("--json and the archive both go to the standard output", "give -o a file")
    with arguments.stop_of(context).ends():
        made = pack(
            models,
            output,
            precision=precision,
            force=force,
            catalog=arguments.load_catalog(context),
        )
    if as_json:
        say_json(made)
        return
    if piped:
        return
    say(
        f"wrote {made['path']} ({counted(made['models'], 'model')}, {made['bytes']:,} bytes; "
        f"as files {made['file_bytes']:,} bytes)"
    )
