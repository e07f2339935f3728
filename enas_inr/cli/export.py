"""`enas-inr export`: write a model in a format for other programs, or one of an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say


def export(
    context: typer.Context,
    model: arguments.ModelFile,
    kind: Annotated[
        str, typer.Option("--format", help="Format: onnx (needs the extra `onnx`), npz or inr.")
    ],
    name: arguments.ModelName = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Output file.", show_default="name of the model"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Export a model as an ONNX network from coordinates to values, or its numbers as npz.

    A model of an archive can also become a .inr file.
    """
    from enas_inr.api.archive import one_of
    from enas_inr.cli.interrupt import complain, whole_files
    from enas_inr.model.export import export as run_export

    path = output or (Path(f"{Path(name).name}.{kind}") if name else model.with_suffix(f".{kind}"))
    with arguments.stop_of(context).ends(complain, whole_files):
        loaded = one_of(model, name, arguments.load_catalog(context))
        run_export(loaded, path, kind, force=force)
    say(f"wrote {path} ({path.stat().st_size:,} bytes)")
