"""`enas-inr oracle`: how far the winner of a study is from the best of its space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json
from enas_inr.errors import ExitCode

if TYPE_CHECKING:
    from enas_inr.studies.oracle import Regret


def oracle(
    context: typer.Context,
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study.")],
    signal: Annotated[
        str | None,
        typer.Argument(metavar="SIGNAL", help="The signal of the study, unless it is a sample."),
    ] = None,
    fidelity: Annotated[
        str,
        typer.Option(help="Share of the cells to train: 1, or 1/4 for an estimate."),
    ] = "1",
    size: Annotated[
        str | None,
        typer.Option(help="Size of the image: 128, WxH, or none.", show_default="the study's"),
    ] = None,
    signal_option: arguments.SignalOptions = None,
    storage: arguments.Storage = None,
    executor: arguments.Executor = "local",
    executor_option: arguments.ExecutorOptions = None,
    device: arguments.TrainingDevice = "auto",
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Train the rest of the search space of a study, and print the regret of its winner.

    The trials are kept in the study STUDY-oracle. Run the same command again to resume.
    """
    from enas_inr.api.oracle import oracle as run_oracle
    from enas_inr.cli.progress import SearchProgress
    from enas_inr.spec import Choice

    options = arguments.parse_options(executor_option, "--executor-option")
    stop = arguments.stop_of(context)
    with (
        SearchProgress(quiet=quiet, stop=stop) as progress,
        stop.ends(progress.insist, progress.kept),
    ):
        found = run_oracle(
            study,
            signal,
            fidelity=fidelity,
            size=size,
            signal_options=arguments.parse_options(signal_option, "--signal-option"),
            storage=storage,
            executor=Choice(name=executor, options=options),
            device=device,
            observer=progress,
            catalog=arguments.load_catalog(context),
        )
    if as_json:
        say_json({"study": study, **found.to_dict()})
    else:
        _print(found)
    return ExitCode.OK


def _print(found: Regret) -> None:
    from enas_inr.cli.tables import console, table
    from enas_inr.validation import counted, format_quantity

    numbers = ("FLOPs", "PSNR dB", "score")
    made = table(f"in {found.oracle}", "configuration", *numbers, right=numbers)
    for name, trial in {"best": found.best, "the study's winner": found.winner}.items():
        made.add_row(
            name,
            f"{trial.trial.configuration.label()} {trial.amount}".rstrip(),
            format_quantity(trial.trial.cost.flops),
            f"{trial.psnr_db:.2f}",
            f"{trial.score:.2f}",
        )
    console().print(made)
    if left := found.configurations - found.trained:
        say(
            f"{counted(left, 'configuration')} not trained: even a perfect fit would not "
            "change the winner"
        )
    say(f"regret: {found} in score, {found.psnr_db:+.2f} dB")
    say(
        f"the study trained {format_quantity(found.flops)} FLOPs, {found.share:.1%} of the "
        f"{format_quantity(found.oracle_flops)} of all "
        f"{counted(found.configurations, 'configuration')} in full"
    )
