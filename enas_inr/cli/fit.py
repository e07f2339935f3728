"""`enas-inr fit`: one ensemble, as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from enas_inr.cli import arguments
from enas_inr.errors import ExitCode, SpecError

_TRAINING = "Training"
_OUTPUT = "Output"


def fit(
    context: typer.Context,
    signal: arguments.Signal,
    study: Annotated[
        str | None, typer.Option(help="Fit the best architecture of this study.")
    ] = None,
    storage: Annotated[str, typer.Option(help="Where that study is.")] = "sqlite:///enas-inr.db",
    backbone: Annotated[
        str | None, typer.Option(help="Kind of sub-network.", show_default="siren")
    ] = None,
    backbone_option: arguments.BackboneOptions = None,
    grid: Annotated[
        int | None, typer.Option(help="Cells along each spatial axis, M.", show_default="8")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(help="Number of hidden layers, d.", show_default="1")
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Units of a hidden layer, w.", show_default="64")
    ] = None,
    size: Annotated[
        str, typer.Option(help="Resize an image first: 128 (a square), WxH, or none.")
    ] = "none",
    profile: Annotated[
        str, typer.Option(help="A named set of training settings.", rich_help_panel=_TRAINING)
    ] = "paper",
    steps: Annotated[
        int | None,
        typer.Option(
            help="Training steps.", show_default="the study's, or 500", rich_help_panel=_TRAINING
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            help="Learning rate.", show_default="the backbone's", rich_help_panel=_TRAINING
        ),
    ] = None,
    coordinates: Annotated[
        str | None,
        typer.Option(
            help="What -1 and +1 are in a cell: centers or edges.",
            show_default="centers",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    target_psnr: Annotated[
        float | None,
        typer.Option(help="Stop when this PSNR (dB) is reached.", rich_help_panel=_TRAINING),
    ] = None,
    repeats: Annotated[
        int, typer.Option(help="Trainings; the best is kept.", rich_help_panel=_TRAINING)
    ] = 1,
    seed: Annotated[int, typer.Option(help="Of everything random.", rich_help_panel=_TRAINING)] = 0,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda or cuda:N.", rich_help_panel=_TRAINING)
    ] = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The model file.",
            show_default="SIGNAL's name with .inr",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, float16 or int8.", rich_help_panel=_OUTPUT)
    ] = "float32",
    preview: Annotated[
        Path | None,
        typer.Option(help="Draw original, result and error there.", rich_help_panel=_OUTPUT),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files.", rich_help_panel=_OUTPUT)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON to stdout.", rich_help_panel=_OUTPUT)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=_OUTPUT)
    ] = False,
) -> int:
    """Train one ensemble on a signal, at its full size, and write it to a .inr file.

    After Ctrl-C the same command goes on.
    """
    from enas_inr.api.fit import fit as run_fit
    from enas_inr.catalog import load_catalog
    from enas_inr.cli.interrupt import asked_to_stop
    from enas_inr.cli.model_tables import print_fit
    from enas_inr.cli.progress import Display

    catalog = load_catalog(plugins=context.obj)
    asked: dict[str, Any] = {
        "backbone": backbone,
        "options": arguments.parse_options(backbone_option, "--backbone-option") or None,
        "grid": grid,
        "depth": depth,
        "width": width,
    }
    chosen = {name: value for name, value in asked.items() if value is not None}
    if study and chosen:
        raise SpecError(
            f"--study names an architecture, and so do {', '.join(chosen)}", "give one of the two"
        )
    with Display(quiet=quiet) as progress, asked_to_stop() as should_stop:
        result = run_fit(
            signal,
            study=study,
            storage=storage,
            architecture=chosen,
            size=size,
            profile=profile,
            training={"steps": steps, "learning_rate": lr, "coordinates": coordinates},
            target_psnr_db=target_psnr,
            repeats=repeats,
            seed=seed,
            device=device,
            output=output,
            precision=precision,
            preview=preview,
            force=force,
            catalog=catalog,
            should_stop=should_stop,
            on_progress=progress.progressed,
        )
        if not result.finished:
            progress.say(
                f"interrupted at step {result.metrics['steps']}: kept in {result.checkpoint}; "
                "the same command continues"
            )
            return ExitCode.INTERRUPTED
    if as_json:
        print(json.dumps(result.metrics, indent=2))
        return ExitCode.OK
    print_fit(result)
    if preview:
        print(f"wrote {preview}")
    return ExitCode.OK
