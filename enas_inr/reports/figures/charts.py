"""What the charts of a report are made of: panels, one for each signal, legends, short names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from enas_inr.reports.figures.drawing import (
    INK,
    LABEL_POINTS,
    MARGIN,
    MARKERS,
    QUIET,
    RULE,
    SERIES,
    heading,
    heading_inches,
    new_figure,
    plain,
    shortened,
)
from enas_inr.reports.rows import Row, rows
from enas_inr.studies.record import Report, StudyRecord

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 120.0
_WIDTH = 7.4  # inches: of a figure
_ALONE = 3.7  # inches: the height of a single panel
_HEIGHT = 2.1  # inches: of one of many
_ACROSS = 3  # panels side by side
_LEFT, _RIGHT, _BOTTOM, _GAP, _NAME = 0.65, 0.2, 0.5, 0.25, 0.22  # inches: around panels
_ENTRY = 0.19  # inches: the height of a line of the legend
_LETTER = 0.075  # inches: the width of one in the legend, about
_LONGEST = 64  # characters in the legend
LETTERS = {"grid": "M", "depth": "d", "width": "w"}
"""What the sizes of an architecture are called in short."""


@dataclass(frozen=True)
class Style:
    """How one of several things is drawn."""

    color: str
    marker: str
    line: Literal["-", ":", "-."]

    @classmethod
    def number(cls, index: int) -> Style:
        """The style of the thing of that index, from 0; 7 colours in 3 lines differ."""
        lines: tuple[Literal["-", ":", "-."], ...] = ("-", ":", "-.")
        turn = index // len(SERIES)
        marker = MARKERS[(index + turn) % len(MARKERS)]
        return cls(SERIES[index % len(SERIES)], marker, lines[turn % len(lines)])


@dataclass(frozen=True)
class Group:
    """The rows of one signal, for one panel."""

    signal: str
    rows: tuple[Row, ...]


def groups(report: Report) -> list[Group]:
    """The rows of a report, apart for each signal, in the order of the studies."""
    found: dict[object, list[Row]] = {}
    for row in rows(report):
        signal = row.study.spec.signal
        found.setdefault(signal.identity, []).append(row)
    return [Group(of[0].study.spec.signal.name, tuple(of)) for of in found.values()]


def panels(
    title: str,
    details: Sequence[str],
    names: Sequence[str],
    labels: tuple[str, str],
    entries: Sequence[tuple[Artist, str]],
) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each name, which share their scales, and a legend below them.

    Args:
        title: of the figure.
        details: quieter lines below it; empty ones are left out.
        names: of the panels; a single one is not written.
        labels: of the horizontal and the vertical axes, with units.
        entries: the legend's artists and texts.
    """
    count = len(names)
    across = min(_ACROSS, count)
    down = math.ceil(count / across)
    tall = _ALONE if count == 1 else _HEIGHT
    above = _NAME if count > 1 else 0.0
    top = heading_inches(details)
    columns, lines = _legend_shape(entries)
    legend = lines * _ENTRY + (0.15 if lines else 0)
    height = top + down * (above + tall) + (down - 1) * _GAP + _BOTTOM + legend
    figure = new_figure(_WIDTH, height, DPI)
    wide = (_WIDTH - _LEFT - _RIGHT - (across - 1) * _GAP) / across
    made: list[Axes] = []
    for index, name in enumerate(names):
        row, column = divmod(index, across)
        y = height - top - (row + 1) * (above + tall) - row * _GAP
        place = (_LEFT + column * (wide + _GAP), y, wide, tall)
        of = (_WIDTH, height, _WIDTH, height)
        share = made[0] if made else None
        left, bottom, width, high = (inches / all_ for inches, all_ in zip(place, of, strict=True))
        panel = figure.add_axes((left, bottom, width, high), sharex=share, sharey=share)
        made.append(panel)
        last = index + across >= count
        panel.tick_params(which="both", labelbottom=last, labelleft=column == 0)
        panel.set(xlabel=labels[0] if last else "", ylabel="" if column else labels[1])
        panel.grid(color=RULE, linewidth=0.4, alpha=0.6)
        plain(panel)
        if count > 1:
            _name(panel, name)
    heading(figure, title, details)
    if entries:
        _legend(figure, entries, columns)
    return figure, made


def details_of(report: Report, text: str) -> tuple[str, str]:
    """The quiet lines below a figure's title: a text, and in which way the report is reduced."""
    return text, shortened(f"reduced: {report.reduced}" if report.reduced else "", 110)


def short_names(group: Group) -> dict[int, str]:
    """What to write beside a row's point, by its index in the group: what differs within it."""
    specs = [row.result.trial.ensemble for row in group.rows]
    differing = [axis for axis in LETTERS if len({getattr(spec, axis) for spec in specs}) > 1] or [
        "width"
    ]
    return {
        index: shortened(row.name, 20)
        if row.result.key in row.study.names
        else " ".join(f"{LETTERS[axis]}={getattr(spec, axis)}" for axis in differing)
        for index, (row, spec) in enumerate(zip(group.rows, specs, strict=True))
    }


def write_beside(
    panel: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str | None],
    lines: Sequence[Sequence[tuple[float, float]]] = (),
    *,
    sideways: bool = True,
) -> None:
    """Write names beside points where there is room; those without any are left out.

    Call it last: it needs the final limits.

    Args:
        panel: with everything drawn.
        points: all points, in data coordinates: no name may lie on one.
        names: of the points; None: it has none.
        lines: from point to point, in data coordinates: no name may lie on one.
        sideways: whether a name may be left or right of its point.
    """
    from matplotlib.transforms import Bbox

    figure = panel.get_figure()
    assert figure is not None
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # of Agg
    at = panel.transData.transform(list(points))
    radius = 4.0 * DPI / 72
    taken = [Bbox.from_extents(x - radius, y - radius, x + radius, y + radius) for x, y in at]
    for line in lines:
        vertices = panel.transData.transform(list(line))
        for start, end in pairwise(vertices):
            for part in range(_PARTS + 1):
                x, y = start + (end - start) * (part / _PARTS)
                taken.append(Bbox.from_extents(x - 1, y - 1, x + 1, y + 1))
    inside = panel.get_window_extent(renderer)
    for point, name in zip(points, names, strict=True):
        for (dx, dy), across, up in _PLACES if name else ():
            if dx and not sideways:
                continue
            text = panel.annotate(
                shortened(name or "", 24), point, (dx, dy), textcoords="offset points",
                horizontalalignment=across, verticalalignment=up,
                fontsize=LABEL_POINTS - 1, color=QUIET, zorder=6, parse_math=False,
            )  # fmt: skip
            box = text.get_window_extent(renderer)
            fits = inside.x0 <= box.x0 and box.x1 <= inside.x1
            fits = fits and inside.y0 <= box.y0 and box.y1 <= inside.y1
            if fits and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


_PARTS = 40  # of a line between two points
_PLACES = (
    ((8, 0), "left", "center"),
    ((-8, 0), "right", "center"),
    ((0, 8), "center", "bottom"),
    ((0, -8), "center", "top"),
    ((5, 5), "left", "bottom"),
    ((-5, 5), "right", "bottom"),
    ((5, -5), "left", "top"),
    ((-5, -5), "right", "top"),
)


def several_labels(found: Sequence[Group]) -> bool:
    """Whether some signal has studies of more than one label: then names alone do not tell."""
    return any(len({row.study.label for row in group.rows}) > 1 for group in found)


def varies_only_width(study: StudyRecord) -> bool:
    """Whether a study's architectures differ in their width alone."""
    specs = [result.trial.ensemble for result in study.results]
    others = {spec.with_value("width", 1).key() for spec in specs}
    return len(others) == 1 and len({spec.width for spec in specs}) > 1


def _name(panel: Axes, name: str) -> None:
    panel.annotate(
        shortened(name, 32), (0, 1), (0, 4), xycoords="axes fraction",
        textcoords="offset points", fontsize=LABEL_POINTS, color=INK, parse_math=False,
    )  # fmt: skip


def _legend_shape(entries: Sequence[tuple[Artist, str]]) -> tuple[int, int]:
    """Columns and lines."""
    if not entries:
        return 1, 0
    longest = max(len(shortened(text, _LONGEST)) for _, text in entries)
    # Not the whole width: on a phone, what is at the right has to be scrolled to.
    columns = max(1, min(len(entries), math.floor(0.85 * _WIDTH / (0.5 + _LETTER * longest))))
    return columns, math.ceil(len(entries) / columns)


def _legend(figure: Figure, entries: Sequence[tuple[Artist, str]], columns: int) -> None:
    legend = figure.legend(
        [artist for artist, _ in entries],
        [str(index) for index in range(len(entries))],
        loc="lower left",
        bbox_to_anchor=((_LEFT - 0.1) / _WIDTH, 0.02),
        ncols=columns,
        frameon=False,
        fontsize=LABEL_POINTS,
        labelcolor=INK,
        borderpad=0,
        borderaxespad=MARGIN,
        handlelength=2.2,
        columnspacing=1.6,
        labelspacing=0.35,
    )
    # Only now: a label that begins with "_" would be left out, and "$" is no formula.
    for shown, (_, text) in zip(legend.get_texts(), entries, strict=True):
        shown.set_parse_math(False)
        shown.set_text(shortened(text, _LONGEST))
