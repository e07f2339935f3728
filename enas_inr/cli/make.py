"""`enas-inr make`: from a signal to its model in one command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json
from enas_inr.errors import ExitCode

if TYPE_CHECKING:
    from enas_inr.api.make import MakeResult
    from enas_inr.api.settings import MakeSettings


def make(
    context: typer.Context,
    signal: arguments.Signal,
    settings: MakeSettings,
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Search for the best ensemble, fit it at full size and write its .inr file.

    Run the same command again to resume after Ctrl-C.
    """
    from enas_inr.api.make import make as run_make
    from enas_inr.cli.progress import SearchProgress

    stop = arguments.stop_of(context)
    with (
        SearchProgress(quiet=quiet, stop=stop) as progress,
        stop.ends(progress.insist, progress.kept),
    ):
        made = run_make(
            signal,
            **settings.given(),
            catalog=arguments.load_catalog(context),
            observer=progress,
            stopping=stop.noted,
            on_progress=progress.progressed,
        )
        if not made.fit.finished:
            progress.insist(
                f"{stop.word} at step {made.fit.metrics['steps']} of the fit; "
                "run the same command again to resume"
            )
            return stop.code
    if as_json:
        say_json(made.to_dict())
    else:
        _print(made)
    if not made.reached:
        say(
            f"warning: the model has {made.fit.metrics['psnr_db']:.2f} dB, less than the target; "
            "raise the limits, or search more widths",
            error=True,
        )
    return ExitCode.OK


def _print(made: MakeResult) -> None:
    from enas_inr.cli.model_tables import beside, next_lines
    from enas_inr.validation import counted, format_quantity

    metrics, header = made.fit.metrics, made.fit.model.header
    if known := metrics["known_cells"]:
        say(f"{counted(known, 'cell')} of the model taken from the search")
    say(
        f"wrote {made.fit.path}: {header.ensemble.label()}, {metrics['psnr_db']:.2f} dB, "
        f"{format_quantity(metrics['bytes'])}B as {header.precision}"
    )
    if line := beside(metrics["bytes"], made.rivals):
        say(line)
    for line in next_lines(made.fit):
        say(line, command=True)
