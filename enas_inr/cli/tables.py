"""The style of tables in the terminal."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console, RenderableType
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from enas_inr.plain_text import MOST_IN_CELL, printable

PLAIN_WIDTH = 160  # characters, if the output is a file or a pipe


def console() -> Console:
    """Return a console on standard output that is wide enough for tables in a file or a pipe."""
    return Console(
        markup=False,
        emoji=False,
        highlight=False,
        width=None if sys.stdout.isatty() else PLAIN_WIDTH,
    )


class PlainTable(Table):
    """A table whose cells are text, whatever characters they have; long ones are shortened."""

    def add_row(
        self,
        *cells: RenderableType | None,
        style: StyleType | None = None,
        end_section: bool = False,
    ) -> None:
        """Add a row; its cells are not markup, and their control characters are escaped."""
        super().add_row(*map(_plain, cells), style=style, end_section=end_section)


def _plain(cell: RenderableType | None) -> RenderableType | None:
    if isinstance(cell, Text):  # with a style of ours
        if cell.plain.isprintable() and len(cell.plain) <= MOST_IN_CELL:
            return cell
        return Text(printable(cell.plain, MOST_IN_CELL), style=cell.style)
    return Text(printable(cell, MOST_IN_CELL)) if isinstance(cell, str) else cell


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> Table:
    """Return an empty table with these columns, of which those in `right` are right-aligned."""
    heading = None if title is None else Text(printable(title, MOST_IN_CELL))
    made = PlainTable(box=box.SIMPLE_HEAD, title=heading, title_justify="left", pad_edge=False)
    for column in columns:
        heading = Text(printable(column, MOST_IN_CELL))
        made.add_column(heading, justify="right" if column in right else "left")
    return made
