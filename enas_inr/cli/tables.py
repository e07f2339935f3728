"""The style of tables in the terminal."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 160  # characters, if the output is a file or a pipe


def console() -> Console:
    """Return a console on standard output that is wide enough for tables in a file or a pipe."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> Table:
    """Return an empty table with these columns, of which those in `right` are right-aligned."""
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left")
    return made
