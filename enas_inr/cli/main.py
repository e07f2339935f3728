"""The entry point `enas-inr`, which handles signals from the beginning, before slow imports."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from enas_inr.cli.interrupt import CODES, end, stopping
from enas_inr.cli.process import hide_passwords, open_streams
from enas_inr.cli.saying import complain

__all__ = ["main", "run"]


def main() -> None:
    """Run the command line and exit with a documented code."""
    hide_passwords()
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # so that a terminal without ± can show the table
    code = run(sys.argv[1:])
    if code in CODES.values():
        end(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line; return the exit code. Errors are one line on stderr.

    In the main thread, signals are handled until it returns.
    """
    with stopping() as stop:
        try:
            from enas_inr.cli import app

            return app.run(arguments, stop)
        except KeyboardInterrupt:
            with stop.noted():
                complain(stop.word)
            return stop.code
