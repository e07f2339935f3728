"""Parts of HTML for notebooks, in which text from files is escaped."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

_NUMBER = re.compile(r"-?[\d.,]+[kMGTP]?")

Cell = str | float | None
"""A cell of a table: text, a number, or nothing."""


def text_of(cell: Cell) -> str:
    """Return a cell as text; a float with two decimals."""
    if cell is None:
        return ""
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Cell]], marked: Iterable[int] = ()
) -> str:
    """Return a table; numbers are right-aligned.

    Args:
        headings: the heading of each column.
        rows: the cells.
        marked: rows that are set in bold, counted from 0.
    """
    bold = set(marked)
    lines = ["".join(f"<th>{escape(heading)}</th>" for heading in headings)]
    for number, row in enumerate(rows):
        cells = []
        for cell in row:
            text = escape(text_of(cell))
            side = "right" if _NUMBER.fullmatch(text) else "left"
            text = f"<b>{text}</b>" if number in bold else text
            cells.append(f'<td style="text-align: {side}">{text}</td>')
        lines.append("".join(cells))
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def titled(title: str, note: str = "") -> str:
    """Return a line with a title in bold and a note."""
    return f"<div><b>{escape(title)}</b> {escape(note)}</div>"


def facts(pairs: Iterable[tuple[str, Cell]]) -> str:
    """Return names and values on one line, without those that have no value."""
    known = [(name, text_of(value)) for name, value in pairs if value is not None]
    return "<div>" + " &middot; ".join(f"{escape(n)} {escape(v)}" for n, v in known) + "</div>"


def media(content: bytes, mimetype: str, title: str) -> str:
    """Return a picture or an audio player whose content is part of the page."""
    source = f"data:{escape(mimetype)};base64,{b64encode(content).decode()}"
    if mimetype.startswith("audio/"):
        return f'<audio controls src="{source}" title="{escape(title)}"></audio>'
    return f'<img src="{source}" alt="{escape(title)}" style="min-width: 10em; max-width: 100%">'


def stacked(*parts: str) -> str:
    """Return parts below each other."""
    return f"<div>{''.join(parts)}</div>"
