"""`enas-inr export`: write a model in a format for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from enas_inr.cli import arguments


def export(
    context: typer.Context,
    model: arguments.ModelFile,
    kind: Annotated[
        str, typer.Option("--format", help="Format: onnx (needs the extra `onnx`) or npz.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Output file.", show_default="name of MODEL"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Export a model as an ONNX network from coordinates to values, or its numbers as npz."""
    from enas_inr.model.export import export as run_export
    from enas_inr.model.model import load

    loaded = load(model, catalog=arguments.load_catalog(context))
    path = output or model.with_suffix(f".{kind}")
    run_export(loaded, path, kind, force=force)
    print(f"wrote {path} ({path.stat().st_size:,} bytes)")
