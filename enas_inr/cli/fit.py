"""`enas-inr fit`: train one ensemble and write it to a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from enas_inr.cli import arguments
from enas_inr.errors import ExitCode

if TYPE_CHECKING:
    from enas_inr.api.settings import FitSettings


def fit(
    context: typer.Context,
    signal: arguments.Signal,
    settings: FitSettings,
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Train one ensemble on a signal, at its full size, and write it to a .inr file.

    Run the same command again to resume after Ctrl-C.
    """
    from enas_inr.api.fit import fit as run_fit
    from enas_inr.cli.interrupt import asked_to_stop
    from enas_inr.cli.model_tables import print_fit
    from enas_inr.cli.progress import Display

    with Display(quiet=quiet) as progress, asked_to_stop() as should_stop:
        result = run_fit(
            signal,
            **settings.given(),
            catalog=arguments.load_catalog(context),
            should_stop=should_stop,
            on_progress=progress.progressed,
        )
        if not result.finished:
            progress.say(
                f"interrupted at step {result.metrics['steps']}; checkpoint: {result.checkpoint}; "
                "run the same command again to resume"
            )
            return ExitCode.INTERRUPTED
    if as_json:
        print(json.dumps(result.metrics, indent=2))
        return ExitCode.OK
    print_fit(result)
    if settings.preview:
        print(f"wrote {settings.preview}")
    return ExitCode.OK
