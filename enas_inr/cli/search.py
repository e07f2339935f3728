"""`enas-inr search`: the best ensemble for a signal under a budget."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enas_inr.cli import arguments
from enas_inr.errors import ExitCode, SpecError

if TYPE_CHECKING:
    from enas_inr.cli.progress import SearchProgress
    from enas_inr.plugins.catalog import Catalog
    from enas_inr.result import SearchResult
    from enas_inr.signals.signal import Signal

_SAMPLED = "Strategies optuna and ray"
_BUDGET = "Budget and score"
_STUDY = "Study"
_RAY = "Executor"


def search(
    context: typer.Context,
    signal: arguments.Signal,
    strategy: Annotated[str, typer.Option(help="Proposes architectures.")] = "coordinate",
    strategy_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help='Of the strategy, such as start={"depth":2}.'),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            help="Of Optuna: tpe, random, cmaes, nsgaii, gp, brute, or a class's name.",
            show_default="tpe",
            rich_help_panel=_SAMPLED,
        ),
    ] = None,
    sampler_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Of the sampler, such as n_startup_trials=5.",
            rich_help_panel=_SAMPLED,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Of Ray Tune: asha, hyperband, median, pbt or none.",
            show_default="asha",
            rich_help_panel=_SAMPLED,
        ),
    ] = None,
    searcher: Annotated[
        str | None,
        typer.Option(
            help="What Ray Tune tries next: random, or optuna's TPE.",
            show_default="random",
            rich_help_panel=_SAMPLED,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            help="Architectures to train, at the most.", show_default="20", rich_help_panel=_SAMPLED
        ),
    ] = None,
    backbone: arguments.Backbone = "siren",
    backbone_option: arguments.BackboneOptions = None,
    grid: arguments.Grid = 8,
    widths: Annotated[str, typer.Option(help="Widths to search.")] = "16,32,64,128,256,512",
    depths: Annotated[str, typer.Option(help="Depths to search.")] = "1,2,3,4,5",
    size: Annotated[
        str | None,
        typer.Option(
            help="Resize an image: 128 (a square), WxH, or none.", show_default="128 for images"
        ),
    ] = None,
    signal_option: arguments.SignalOptions = None,
    max_flops: Annotated[
        str | None,
        typer.Option(
            help="FLOPs of one evaluation of the signal: 500M, 1G, or 60k/sample.",
            show_default="61035/sample: the paper's 1G at 128x128",
            rich_help_panel=_BUDGET,
        ),
    ] = None,
    max_parameters: Annotated[
        str | None, typer.Option(help="Likewise: 100k, or 2/sample.", rich_help_panel=_BUDGET)
    ] = None,
    max_bytes: Annotated[
        str | None, typer.Option(help="Likewise, as float32.", rich_help_panel=_BUDGET)
    ] = None,
    objective: Annotated[
        str, typer.Option(help="The score to maximise.", rich_help_panel=_BUDGET)
    ] = "psnr_flops",
    objective_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Of the objective, such as alpha=5.",
            rich_help_panel=_BUDGET,
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            help="dB that a factor of ten in FLOPs must be worth.",
            show_default="7",
            rich_help_panel=_BUDGET,
        ),
    ] = None,
    objectives: Annotated[
        str | None,
        typer.Option(
            help="Several to weigh, such as psnr,flops: the result has their Pareto front. Of "
            "psnr, score, flops, parameters, bytes.",
            show_default="the score alone",
            rich_help_panel=_BUDGET,
        ),
    ] = None,
    profile: arguments.Profile = "paper",
    steps: Annotated[
        int | None,
        typer.Option(
            help="Training steps.", show_default="500", rich_help_panel=arguments.TRAINING
        ),
    ] = None,
    lr: arguments.LearningRate = None,
    coordinates: arguments.Coordinates = None,
    margin: arguments.Margin = None,
    extent: arguments.Extent = None,
    repeats: Annotated[
        int,
        typer.Option(help="Trainings of each architecture.", rich_help_panel=arguments.TRAINING),
    ] = 5,
    seed: arguments.Seed = 0,
    device: arguments.Device = "auto",
    executor: Annotated[
        str | None,
        typer.Option(
            help="Where trials are trained: local, ray, or a plugin's.",
            show_default="local; ray for the strategy ray",
            rich_help_panel=_RAY,
        ),
    ] = None,
    executor_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Of the executor, such as workers=4.",
            rich_help_panel=_RAY,
        ),
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="A running cluster: auto or HOST:PORT.",
            show_default="starts one here",
            rich_help_panel=_RAY,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Trials trained at a time.", show_default="all that fit", rich_help_panel=_RAY
        ),
    ] = None,
    cpus_per_trial: Annotated[
        float | None,
        typer.Option(help="CPU cores of each.", show_default="1", rich_help_panel=_RAY),
    ] = None,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            help="GPUs of each, 0.5 for two on one.",
            show_default="1 if there are any",
            rich_help_panel=_RAY,
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            help="Name, to start or to continue.",
            show_default="derived from the settings",
            rich_help_panel=_STUDY,
        ),
    ] = None,
    storage: Annotated[
        str, typer.Option(help="Optuna URL, or an SQLite file.", rich_help_panel=_STUDY)
    ] = "sqlite:///enas-inr.db",
    pictures: Annotated[
        bool,
        typer.Option(
            help="Keep each trial's reconstruction as a picture or sound, for the dashboard.",
            rich_help_panel=_STUDY,
        ),
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Write the original and the winner's reconstruction there, and the Pareto front.",
            rich_help_panel=arguments.OUTPUT,
        ),
    ] = None,
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Search for the best ensemble, train it, and keep every trial in a study.

    The same command continues where it was interrupted. The defaults are the paper's.
    """
    from enas_inr.api.reading import read_signal
    from enas_inr.api.search import search as run_search
    from enas_inr.cli.progress import SearchProgress
    from enas_inr.cli.trace import print_result
    from enas_inr.signals.files import make_folder
    from enas_inr.validation import parse_integers

    catalog = arguments.load_catalog(context)
    strategy_options = arguments.parse_options(strategy_option, "--strategy-option")
    strategy_options |= _shortcuts(
        catalog,
        ("strategy", strategy),
        "add --strategy optuna or ray, or drop it",
        {
            "--sampler": ("sampler", sampler),
            "--sampler-option": (
                "sampler_options",
                arguments.parse_options(sampler_option, "--sampler-option") or None,
            ),
            "--scheduler": ("scheduler", scheduler),
            "--searcher": ("searcher", searcher),
            "--trials": ("trials", trials),
        },
    )
    objective_options = arguments.parse_options(objective_option, "--objective-option")
    objective_options |= _shortcuts(
        catalog,
        ("objective", objective),
        "drop it; see --objective-option",
        {"--alpha": ("alpha", alpha)},
    )
    training = {
        "steps": steps,
        "learning_rate": lr,
        "coordinates": coordinates,
        "margin": margin,
        "extent": extent,
    }
    executor = executor or ("ray" if strategy == "ray" else "local")
    executor_options = arguments.parse_options(executor_option, "--executor-option")
    executor_options |= _shortcuts(
        catalog,
        ("executor", executor),
        "add --executor ray, or drop it",
        {
            "--ray-address": ("address", ray_address),
            "--workers": ("workers", workers),
            "--cpus-per-trial": ("cpus_per_trial", cpus_per_trial),
            "--gpus-per-trial": ("gpus_per_trial", gpus_per_trial),
        },
    )
    if output:
        make_folder(output)
    with SearchProgress(quiet=quiet) as progress:
        try:
            read = read_signal(
                catalog,
                signal,
                size,
                options=arguments.parse_options(signal_option, "--signal-option"),
            )
            result = run_search(
                read,
                strategy=strategy,
                strategy_options=strategy_options,
                backbone=backbone,
                backbone_options=arguments.parse_options(backbone_option, "--backbone-option"),
                grid=grid,
                widths=parse_integers(widths, "--widths"),
                depths=parse_integers(depths, "--depths"),
                max_flops=max_flops,
                max_parameters=max_parameters,
                max_bytes=max_bytes,
                objective=objective,
                objective_options=objective_options,
                objectives=[name.strip() for name in objectives.split(",")] if objectives else [],
                repeats=repeats,
                profile=profile,
                training=training,
                study=study,
                storage=storage,
                executor=executor,
                executor_options=executor_options,
                device=device,
                seed=seed,
                pictures=pictures,
                catalog=catalog,
                observer=progress,
            )
            written = _write(catalog, result, read, output, device, progress) if output else []
        except KeyboardInterrupt:
            progress.interrupted()
            return ExitCode.INTERRUPTED
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
    else:
        print_result(result)
    if not (as_json and quiet):
        for path in written:
            print(f"wrote {path}", file=sys.stderr if as_json else sys.stdout)
    return ExitCode.OK


def _shortcuts(
    catalog: Catalog, plugin: tuple[str, str], hint: str, shortcuts: dict[str, tuple[str, Any]]
) -> dict[str, Any]:
    """A plugin's options that have a command-line option of their own.

    Args:
        catalog: knows which options the plugin takes.
        plugin: its kind and name.
        hint: what to do about one that it does not take.
        shortcuts: by the command-line option, the plugin's and the value (None: not given).

    Raises:
        SpecError: one is given that the plugin does not take.
    """
    kind, chosen = plugin
    given = {option: pair for option, pair in shortcuts.items() if pair[1] is not None}
    takes = catalog.option_names(kind, chosen) if given else ()
    for option, (name, _) in given.items():
        if name not in takes:
            raise SpecError(f"{option} does not apply to {kind} {chosen!r}", hint)
    return dict(given.values())


def _write(
    catalog: Catalog,
    result: SearchResult,
    signal: Signal,
    folder: Path,
    device: str,
    progress: SearchProgress,
) -> list[Path]:
    """Write the signal, the winner's reconstruction and the front; return the paths."""
    from enas_inr.executors.base import ExecutionContext
    from enas_inr.executors.reconstruct import reconstruct
    from enas_inr.reports.figures.pareto_figure import write_pareto
    from enas_inr.reports.side_by_side import write_comparison

    made = reconstruct(ExecutionContext(catalog, signal, device, progress.progressed), result.best)
    written = write_comparison(catalog, signal, made, folder)
    if len(result.spec.objectives) > 1:
        written.append(folder / "pareto.png")
        write_pareto(result, written[-1])
    return written
