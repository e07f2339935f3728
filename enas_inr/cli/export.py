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
    from enas_inr.model.export import export as run_export
    from enas_inr.signals.outputs import Output, check_outputs, is_standard_output

    with arguments.stop_of(context).ends():
        loaded = one_of(model, name, arguments.load_catalog(context))
        path = output or _usual(model, name, kind, loaded.header.signal.name)
        check_outputs([Output(path, f"a model as {kind}")], force=force, inputs=[model])
        size = run_export(loaded, path, kind, force=force)
    if not is_standard_output(path):
        say(f"wrote {path} ({size:,} bytes)")


def _usual(model: Path, name: str | None, kind: str, signal: str) -> Path:
    """Return the path of an export for which none is given."""
    from enas_inr.signals.files import is_stream
    from enas_inr.signals.outputs import file_name

    if name is not None:
        return Path(file_name(Path(name).name, f".{kind}"))
    if not is_stream(model):
        return model.with_suffix(f".{kind}")
    return Path(file_name(signal, f".{kind}"))
