"""`enas-inr fit`: one ensemble, as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from enas_inr.cli import arguments
from enas_inr.errors import ExitCode, SpecError


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
    signal_option: arguments.SignalOptions = None,
    profile: arguments.FitProfile = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Training steps.",
            show_default="the study's, or 500",
            rich_help_panel=arguments.TRAINING,
        ),
    ] = None,
    lr: arguments.LearningRate = None,
    coordinates: arguments.Coordinates = None,
    margin: arguments.Margin = None,
    extent: arguments.Extent = None,
    target_psnr: Annotated[
        float | None,
        typer.Option(
            help="Stop when this PSNR (dB) is reached.", rich_help_panel=arguments.TRAINING
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option(help="Trainings; the best is kept.", rich_help_panel=arguments.TRAINING)
    ] = 1,
    seed: arguments.Seed = 0,
    device: arguments.Device = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The model file.",
            show_default="SIGNAL's name with .inr",
            rich_help_panel=arguments.OUTPUT,
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, float16 or int8.", rich_help_panel=arguments.OUTPUT)
    ] = "float32",
    preview: Annotated[
        Path | None,
        typer.Option(
            help="Draw original, result and error there.", rich_help_panel=arguments.OUTPUT
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files.", rich_help_panel=arguments.OUTPUT)
    ] = False,
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Train one ensemble on a signal, at its full size, and write it to a .inr file.

    After Ctrl-C the same command goes on.
    """
    from enas_inr.api.fit import fit as run_fit
    from enas_inr.cli.interrupt import asked_to_stop
    from enas_inr.cli.model_tables import print_fit
    from enas_inr.cli.progress import Display

    catalog = arguments.load_catalog(context)
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
            signal_options=arguments.parse_options(signal_option, "--signal-option"),
            profile=profile,
            training={
                "steps": steps,
                "learning_rate": lr,
                "coordinates": coordinates,
                "margin": margin,
                "extent": extent,
            },
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
