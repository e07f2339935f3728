"""The commands of `enas-inr`, and errors as one line with an exit code."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import typer

from enas_inr import __version__
from enas_inr.cli import (
    archive,
    arguments,
    bench,
    commands,
    compare,
    cost,
    dashboard,
    doctor,
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
    view,
)
from enas_inr.cli.interrupt import Stop
from enas_inr.cli.saying import complain
from enas_inr.errors import EnasInrError, ExitCode, SpecError
from enas_inr.plain_text import printable
from enas_inr.studies.location import without_passwords

app = typer.Typer(
    name="enas-inr",
    cls=commands.Group,
    help="Find the best ensemble implicit neural representation of a signal under a budget.",
    epilog="Exit codes: "
    + ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
    + ".",
    pretty_exceptions_enable=False,
)
MODEL, USE, STUDIES, SYSTEM = (
    "From a signal to a model",
    "With a model",
    "With studies",
    "Costs, plugins and this machine",
)
options.add_command(app, make.make, "enas_inr.api.settings:MakeSettings", MODEL)
options.add_command(app, search.search, "enas_inr.api.settings:SearchSettings", MODEL)
options.add_command(app, fit.fit, "enas_inr.api.settings:FitManySettings", MODEL)
options.add_command(app, suggest.suggest, "enas_inr.api.settings:SuggestSettings", MODEL)
_asked = options.field_parameters(render.Asked)
_LISTED: dict[str, tuple[Callable[..., Any], ...]] = {
    USE: (
        options.spread(render.render, "asked", _asked, render.Asked),
        info.info,
        view.view,
        export.export,
        archive.archive,
    ),
    STUDIES: (dashboard.dashboard, report.report, compare.compare, oracle.oracle),
    SYSTEM: (cost.cost, bench.bench),
}
for _heading, _listed in _LISTED.items():
    for _command in _listed:
        app.command(cls=commands.Command, rich_help_panel=_heading)(_command)
app.command(cls=commands.Plain, rich_help_panel=SYSTEM)(doctor.doctor)
app.add_typer(study.app, name="study", rich_help_panel=STUDIES)
app.add_typer(plugins.app, name="plugins", rich_help_panel=SYSTEM)


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
    context.obj = arguments.Common(
        installed=not no_plugins, strict=strict_plugins, stop=context.obj
    )


@cache
def _commands() -> typer.core.TyperGroup:
    """Return all commands, which Typer would make anew at each call."""
    made = typer.main.get_command(app)
    assert isinstance(made, typer.core.TyperGroup)
    return made


class _OneLine(logging.Formatter):
    """Formats a warning as one line of text, whatever characters are in it."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(" ".join(record.getMessage().split()))


def run(given: list[str], stop: Stop) -> int:
    """Run the command line; return the exit code. Errors are one line on stderr.

    Args:
        given: the arguments.
        stop: receives signals.
    """
    if logging.lastResort:
        logging.lastResort.setFormatter(_OneLine())
    try:
        _check_folder()
        code = _commands()(
            given or ["--help"], prog_name="enas-inr", standalone_mode=False, obj=stop
        )
        with stop.noted():
            sys.stdout.flush()
        if code == ExitCode.INTERRUPTED and not isinstance(code, ExitCode):
            return _stopped(stop)  # how Typer reports an exception that no command has handled
        return int(code or ExitCode.OK) if given else ExitCode.USAGE
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
        return _stopped(stop)
    except (OSError, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code == ExitCode.INTERRUPTED:
            return _stopped(stop)  # as other versions of Typer do
        # The reader of the output has closed it, as `head` does. Typer and rich turn that into a
        # SystemExit.
        if isinstance(error, SystemExit) and not error.code:
            return ExitCode.OK  # as Typer ends after it has shown a completion
        closed = isinstance(error.__context__ or error, BrokenPipeError)
        if not closed and not _is_output(error):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if stop.received:
            return _stopped(stop)
        if closed:
            return ExitCode.OK
        said = getattr(error, "strerror", error)
        return _fail(f"output cannot be written: {said}; check the disk", ExitCode.SIGNAL)


def _check_folder() -> None:
    """Refuse a current folder that was deleted, for which libraries end the process.

    Raises:
        SpecError: it does not exist.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise SpecError(
            f"the current folder cannot be used: {error.strerror}", "change to one that exists"
        ) from None


def _is_output(error: BaseException) -> bool:
    """Whether an error is that of a print, which has no path."""
    if not isinstance(error, OSError) or error.filename is not None:
        return False
    return error.errno in (errno.EIO, errno.ENOSPC, errno.EBADF, errno.EFBIG)


def _stopped(stop: Stop) -> int:
    with stop.noted():
        return _fail(stop.word, stop.code)


def _fail(message: str, code: ExitCode) -> int:
    # A URL given in the place of something else may have a password as well.
    complain(without_passwords(" ".join(message.split())))
    return code
