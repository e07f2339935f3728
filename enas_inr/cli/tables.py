"""The style of tables in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from enas_inr.cli.saying import filled
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
    """A table whose cells are text, whatever characters they have; long ones are shortened.

    On a terminal, neither a number nor a word is broken: if there is no room for the longest word
    of each column, each row becomes a heading and a list of its cells.
    """

    heading: str | None = None
    """The column that is the heading of a row in such a list; None for the first one."""

    def add_row(
        self,
        *cells: RenderableType | None,
        style: StyleType | None = None,
        end_section: bool = False,
    ) -> None:
        """Add a row; its cells are not markup, and their control characters are escaped."""
        super().add_row(*map(_plain, cells), style=style, end_section=end_section)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or its rows one below the other."""
        if console.is_terminal:
            widths = self._widths(options.max_width)
            if not widths:
                yield from self._listed(options.max_width)
                return
            for column, width in zip(self.columns, widths, strict=True):
                column.width = width
        yield from super().__rich_console__(console, options)

    def _widths(self, width: int) -> list[int]:
        """Return the widths of the columns at which no word is broken; empty if there are none."""
        texts = [[_text(column.header), *map(_text, column.cells)] for column in self.columns]
        least = [max(cell_len(w) for text in of for w in ["", *text.split()]) for of in texts]
        most = [max(map(cell_len, of)) for of in texts]
        room = width - 2 - 3 * (len(texts) - 1)  # the edges, and what is between two columns
        if sum(least) > room:
            return []
        widths = list(least)
        for _ in range(min(room, sum(most)) - sum(least)):
            # To the column that would be the highest.
            widest = max(range(len(widths)), key=lambda n: most[n] / max(1, widths[n]))
            widths[widest] += 1
        return widths

    def _listed(self, width: int) -> Iterator[Text]:
        """Iterate over the lines of the rows as headings with lists of their cells."""
        if self.title:
            yield Text(_text(self.title), style="italic")
        titles = [_text(column.header) for column in self.columns]
        at = titles.index(self.heading) if self.heading else 0
        columns = [[_text(cell) for cell in column.cells] for column in self.columns]
        for cells in zip(*columns, strict=True):
            marks = [text for title, text in zip(titles, cells, strict=True) if not title]
            head = " ".join(filter(None, [cells[at], *marks]))
            yield Text("\n".join(filled(head.split(" "), width, 2)), style="bold")
            rest = [
                f"{title}: {text}"
                for n, (title, text) in enumerate(zip(titles, cells, strict=True))
                if title and text and n != at
            ]
            parts = [f"{text}," for text in rest[:-1]] + rest[-1:]
            room = width - 2
            words = [w for p in parts for w in ([p] if cell_len(p) <= room else p.split(" "))]
            yield Text("\n".join(["  " + line for line in filled(words, room)]))
        yield Text()


def _text(cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)


def _plain(cell: RenderableType | None) -> RenderableType | None:
    if isinstance(cell, Text):  # with a style of ours
        if cell.plain.isprintable() and len(cell.plain) <= MOST_IN_CELL:
            return cell
        return Text(printable(cell.plain, MOST_IN_CELL), style=cell.style)
    return Text(printable(cell, MOST_IN_CELL)) if isinstance(cell, str) else cell


def table(
    *columns: str,
    right: tuple[str, ...] = (),
    title: str | None = None,
    heading: str | None = None,
) -> Table:
    """Return an empty table.

    Args:
        columns: titles of the columns.
        right: those that are right-aligned.
        title: title of the table.
        heading: the column that names a row, where it does not fit into one line of a terminal;
            None for the first one.
    """
    told = None if title is None else Text(printable(title, MOST_IN_CELL))
    made = PlainTable(box=box.SIMPLE_HEAD, title=told, title_justify="left", pad_edge=False)
    made.heading = heading
    for column in columns:
        text = Text(printable(column, MOST_IN_CELL))
        made.add_column(text, justify="right" if column in right else "left")
    return made
