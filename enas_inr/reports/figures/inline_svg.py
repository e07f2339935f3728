"""A figure as a part of a page: an SVG element that follows the page's colours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

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
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FAMILY = re.compile(r"(font-family:|font: (?:[a-z]+ )*(?:\d+ )?[\d.]+px) [^;]*")
_POINTS_TO_PIXELS = 1.25  # at this size the smallest text is still legible


def inline_svg(figure: Figure, prefix: str, title: str) -> str:
    """Make the element.

    Its ids begin with `prefix`, so that several fit on one page; ink and series take their
    colours from the page's variables (`--ink`, `--quiet`, `--rule`, `--series-0`, ...).

    Args:
        figure: of ours: in the colours of `drawing`.
        prefix: distinct for each figure of a page.
        title: what it shows, for those who do not see it.
    """
    root = ElementTree.fromstring(image_of(figure, "svg", transparent=True))
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    used = {name for element in root.iter() for name in _referenced(element)}
    for element in root.iter():
        element.tag = _local(element.tag)
        element.tail = None
        if element.tag != "text":
            element.text = None
        attributes = {_local(name): value for name, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(_adapted(attributes, prefix, used))
    width = float(root.attrib.pop("width").removesuffix("pt"))
    root.attrib.pop("height")
    root.attrib.pop("version", None)
    # Long before it is too small to be read, it is scrolled.
    root.set("style", f"min-width: {min(width, 560) * _POINTS_TO_PIXELS:.0f}px")
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title")
    first = ElementTree.Element("title", {"id": f"{prefix}-title"})
    first.text = title
    root.insert(0, first)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _referenced(element: ElementTree.Element) -> list[str]:
    found = []
    for name, value in element.attrib.items():
        found += _REFERENCE.findall(value)
        if _local(name) == "href" and value.startswith("#"):
            found.append(value[1:])
    return found


def _adapted(attributes: dict[str, str], prefix: str, used: set[str]) -> dict[str, str]:
    made = {}
    for name, value in attributes.items():
        if name == "id":
            if value not in used:
                continue
            value = f"{prefix}-{value}"
        elif name == "href" and value.startswith("#"):
            value = f"#{prefix}-{value[1:]}"
        elif not value.startswith("data:"):
            value = _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
        if name == "style":
            value = _FAMILY.sub(r"\1 var(--sans)", value)
            for color, variable in _VARIABLES.items():
                value = value.replace(color, variable)
        made[name] = value
    return made
