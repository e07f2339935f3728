"""The entry point `enas-inr`: its commands, and errors as one line with an exit code."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from enas_inr import __version__
from enas_inr.cli import (
    archive,
    arguments,
    bench,
    compare,
    cost,
    dashboard,
    export,
    fit,
    info,
    make,
    options,
    oracle,
    plugins,
    render,
    report,
    search,
    study,
    suggest,
)
from enas_inr.errors import EnasInrError, ExitCode

__all__ = ["main", "run"]

app = typer.Typer(
    name="enas-inr",
    help="Find the best ensemble implicit neural representation of a signal under a budget.",
    epilog="Exit codes: "
    + ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
    + ".",
    add_completion=False,
    pretty_exceptions_enable=False,
)
options.add_command(app, suggest.suggest, "enas_inr.api.settings:SuggestSettings")
options.add_command(app, search.search, "enas_inr.api.settings:SearchSettings")
options.add_command(app, make.make, "enas_inr.api.settings:MakeSettings")
options.add_command(app, fit.fit, "enas_inr.api.settings:FitManySettings")
app.command()(
    options.spread(render.render, "asked", options.field_parameters(render.Asked), render.Asked)
)
app.command()(archive.archive)
app.command()(info.info)
app.command()(export.export)
app.command()(dashboard.dashboard)
app.command()(report.report)
app.command()(compare.compare)
app.command()(oracle.oracle)
app.command()(cost.cost)
app.command()(bench.bench)
app.add_typer(study.app, name="study")
app.add_typer(plugins.app, name="plugins")


def _print_version(value: bool) -> None:
    if value:
        print(f"enas-inr {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    no_plugins: arguments.NoPlugins = False,
    strict_plugins: arguments.StrictPlugins = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    context.obj = arguments.Plugins(installed=not no_plugins, strict=strict_plugins)


def main() -> None:
    """Run the command line and exit with a documented code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # so that a terminal without ± can show the table
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line; return the exit code. Errors are one line on stderr."""
    try:
        code = app(arguments or ["--help"], prog_name="enas-inr", standalone_mode=False)
        sys.stdout.flush()
        return int(code or ExitCode.OK) if arguments else ExitCode.USAGE
    except EnasInrError as error:
        for traceback in getattr(
            error, "__notes__", ()
        ):  # the traceback of a plugin, in strict mode
            print(traceback, end="", file=sys.stderr)
        return _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        context: typer.Context | None = getattr(error, "ctx", None)
        hint = f"; see `{context.command_path} --help`" if context else ""
        return _fail(error.format_message().rstrip(".") + hint, ExitCode.USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", ExitCode.INTERRUPTED)
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code == ExitCode.INTERRUPTED:
            return _fail("interrupted", ExitCode.INTERRUPTED)  # how Typer reports Ctrl-C
        # The reader of the output has closed it, as `head` does. Typer and rich turn that into a
        # SystemExit.
        if not isinstance(error.__context__ or error, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _fail(message: str, code: ExitCode) -> int:
    print(f"enas-inr: {' '.join(message.split())}", file=sys.stderr)
    return code
