"""`enas-inr fit`: train one ensemble on each of some signals, and write the files."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json
from enas_inr.errors import ExitCode, SpecError

if TYPE_CHECKING:
    from enas_inr.api.settings import FitManySettings

OF_SETS = ("limit", "skip_bad", "jobs")
"""Settings that apply to several signals only."""


def fit(
    context: typer.Context,
    signals: arguments.SignalNames,
    settings: FitManySettings,
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Train one ensemble on a signal, at its full size, and write it to a .inr file.

    Each of several signals gets a file in a folder, beside a summary in CSV and JSON. Run the same
    command again to resume after Ctrl-C; files that are there already are kept.
    """
    from enas_inr.signals.sets import is_set

    if is_set(signals):
        return _many(context, signals, settings, as_json, quiet)
    return _one(context, signals[0], settings, as_json, quiet)


def _one(
    context: typer.Context, signal: str, settings: FitManySettings, as_json: bool, quiet: bool
) -> int:
    from enas_inr.api.fit import fit as run_fit
    from enas_inr.cli.model_tables import print_fit
    from enas_inr.cli.progress import Display
    from enas_inr.signals.outputs import is_standard_output

    given = settings.given()
    piped = any(
        path is not None and is_standard_output(Path(path))
        for path in (settings.output, settings.preview)
    )
    if piped and as_json:
        raise SpecError("--json and a file both go to the standard output", "give -o a file")
    for name in OF_SETS:
        if given.pop(name, None):
            flag = f"--{name.replace('_', '-')}"
            raise SpecError(
                f"{flag} applies to several signals, and {signal!r} is one", "leave it out"
            )
    stop = arguments.stop_of(context)
    with Display(quiet=quiet, stop=stop) as progress, stop.noted() as should_stop:
        result = run_fit(
            signal,
            **given,
            catalog=arguments.load_catalog(context),
            should_stop=should_stop,
            on_progress=progress.progressed,
        )
        if not result.finished:
            progress.insist(
                f"{stop.word} at step {result.metrics['steps']}; checkpoint: {result.checkpoint}; "
                "run the same command again to resume"
            )
            return stop.code
    if as_json:
        say_json(result.metrics)
        return ExitCode.OK
    with redirect_stdout(sys.stderr) if piped else nullcontext():
        print_fit(result)
        if settings.preview:
            say(f"wrote {settings.preview}")
    return ExitCode.OK


def _many(
    context: typer.Context,
    signals: list[str],
    settings: FitManySettings,
    as_json: bool,
    quiet: bool,
) -> int:
    from enas_inr.api.fit_many import fit_many
    from enas_inr.api.fit_summary import FitStatus
    from enas_inr.cli.model_tables import print_fits
    from enas_inr.cli.progress import Display

    stop = arguments.stop_of(context)
    with Display(quiet=quiet, stop=stop) as progress, stop.noted() as should_stop:
        result = fit_many(
            signals,
            **settings.given(),
            catalog=arguments.load_catalog(context),
            should_stop=should_stop,
            on_progress=progress.progressed,
            say=progress.say,
        )
        if not result.finished:
            progress.insist(
                f"{stop.word}: {result.count(FitStatus.LEFT)} of {len(result.rows)} signals left "
                "to fit; run the same command again to resume"
            )
    if as_json:
        say_json(result.to_dict())
    else:
        print_fits(result)
    if not result.finished:
        return stop.code
    return ExitCode.INCOMPLETE if result.failed else ExitCode.OK
