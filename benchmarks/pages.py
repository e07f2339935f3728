"""Tables in Markdown, and pages of the documentation whose tables scripts write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Row = Sequence[str]


def markdown(headings: Row, rows: Iterable[Row]) -> str:
    """Return a table in Markdown, with its first column left-aligned."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(page: str, parts: Mapping[str, str]) -> str:
    """Return a page with each part between its markers.

    Raises:
        ValueError: the page has no markers for a part.
    """
    for name, text in parts.items():
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        before, found, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise ValueError(f"the page has no {begin} or no {end}")
        page = f"{before}{begin}\n\n{text}\n\n{end}{after}"
    return page
