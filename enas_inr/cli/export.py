"""`enas-inr export`: a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from enas_inr.cli import arguments


def export(
    context: typer.Context,
    model: arguments.ModelFile,
    kind: Annotated[str, typer.Option("--format", help="onnx (needs the extra `onnx`) or npz.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file.", show_default="MODEL's name"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a model as ONNX (coordinates in, values out) or its bare numbers as npz."""
    from enas_inr.model.export import export as run_export
    from enas_inr.model.model import load

    loaded = load(model, catalog=arguments.load_catalog(context))
    path = output or model.with_suffix(f".{kind}")
    run_export(loaded, path, kind, force=force)
    print(f"wrote {path} ({path.stat().st_size:,} bytes)")
