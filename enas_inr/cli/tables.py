"""How tables look."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 160  # of output that goes to a file or another program


def console() -> Console:
    """Standard output, wide enough for a table also where it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> Table:
    """A table with these columns; those named in `right` are aligned to the right."""
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left")
    return made
