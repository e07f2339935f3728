"""A figure as a part of a page: an SVG element that follows the page's colours."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from enas_inr.reports.figures.drawing import INK, QUIET, RULE, SERIES, WAVE, WRONG, image_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VARIABLES = {
    INK: "var(--ink)",
    QUIET: "var(--quiet)",
    RULE: "var(--rule)",
    WAVE: "var(--wave)",
    WRONG: "var(--wrong)",
    **{color: f"var(--series-{index})" for index, color in enumerate(SERIES)},
}
_LARGEST = 2.5  # pixels for a point: beyond that a chart is only coarser


def inline_svg(figure: Figure, prefix: str, title: str) -> str:
    """Return the element.

    Its ids are distinct for each prefix, so that several fit on one page; ink and series take
    their colours from the page's variables (`--ink`, `--quiet`, `--rule`, `--series-0`, ...).

    Args:
        figure: a figure in the colours of `drawing`.
        prefix: a prefix of ids, distinct for each figure of a page.
        title: a description for screen readers.
    """
    text = image_of(figure, "svg", transparent=True, salt=prefix).decode()
    content = text[text.index(">", text.index("<svg")) + 1 :].strip()
    content = re.sub(r"<(metadata|style)\b.*?</\1>", "", content, flags=re.DOTALL)
    content = content.replace("xlink:href", "href")
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', content))
    content = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", content)
    for color, variable in _VARIABLES.items():
        content = content.replace(f": {color}", f": {variable}")  # in the elements' styles
    width, height = (72 * inches for inches in figure.get_size_inches())
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'style="max-width: {width * _LARGEST:.0f}px" aria-labelledby="{prefix}-title">'
        f'<title id="{prefix}-title">{escape(title)}</title>{content}'
    )
