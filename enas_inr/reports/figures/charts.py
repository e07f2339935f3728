"""The parts of the charts of a report: a panel for each signal, legends, short names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from enas_inr.reports.figures.drawing import INK, QUIET, SERIES, SMALL, new_figure, shortened
from enas_inr.reports.rows import Row
from enas_inr.result import TrialResult, objective_values, pareto_front
from enas_inr.spec.architecture import AXIS_LETTERS
from enas_inr.spec.budget import MAXIMISED
from enas_inr.studies.record import Report, StudyRecord

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

WIDTH = 7.4  # inches: of a chart
NARROW = 4.4  # inches: of a chart for a window of the width of a phone
ALONE = 4.2  # inches: the height of a single panel, with its labels
_HEIGHT = 2.5  # inches: of one of many
_LEAST = 2.2  # inches: the width of one of several panels side by side
_LONGEST = 64  # characters in the legend
_MARKERS = "osD^vP*"
_LINES: tuple[Literal["-", ":", "-."], ...] = ("-", ":", "-.")
LABELS = {
    "psnr": "PSNR (dB)",
    "score": "score",
    "flops": "FLOPs",
    "parameters": "parameters",
    "bytes": "bytes",
}
"""The axes' labels of what a study can weigh."""
_OFFSETS = (8, 0), (-8, 0), (0, 8), (0, -8), (5, 5), (-5, 5), (5, -5), (-5, -5)
"""The positions of a name relative to its point, in points, the preferred one first."""
Place = tuple[float, float]


@dataclass(frozen=True)
class Style:
    """Colour, marker and line of one of several studies or curves."""

    color: str
    marker: str
    line: Literal["-", ":", "-."]

    @classmethod
    def number(cls, index: int) -> Style:
        """Return the style with that index, from 0; 7 colours with 3 kinds of line differ."""
        turn = index // len(SERIES)
        marker = _MARKERS[(index + turn) % len(_MARKERS)]
        return cls(SERIES[index % len(SERIES)], marker, _LINES[turn % len(_LINES)])


def panels(
    title: str,
    details: Sequence[str],
    names: Sequence[str],
    labels: tuple[str, str],
    width: float = WIDTH,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each name; the panels share their scales.

    Args:
        title: title of the figure.
        details: quieter lines below it; empty ones are left out.
        names: names of the panels; a single one is not written.
        labels: labels of the horizontal and the vertical axes, with units.
        width: width of the figure in inches.
    """
    count = len(names)
    across = min(int(width / _LEAST), count)
    down = math.ceil(count / across)
    figure = new_figure(width, ALONE if count == 1 else down * _HEIGHT, title, details)
    grid = list(figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flat)
    for panel in grid[count:]:
        panel.remove()
    for index, (panel, name) in enumerate(zip(grid, names, strict=False)):
        last = index + across >= count
        panel.set(xlabel=labels[0] if last else "", ylabel="" if index % across else labels[1])
        panel.tick_params(which="both", labelbottom=last)
        panel.grid()
        if count > 1:
            panel.set_title(shortened(name, 32))
    return figure, grid[:count]


def add_legend(figure: Figure) -> None:
    """Write a legend of what is labelled below a figure, which grows, in as many columns as fit."""
    entries: dict[Any, Artist] = {}
    for panel in figure.axes:
        for artist, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, artist)
    texts = [shortened(label, _LONGEST) for label in entries]
    for columns in range(len(entries), 0, -1):
        legend = figure.legend(
            entries.values(), texts, loc="outside lower left", ncols=columns, markerscale=1.0
        )
        extent = legend.get_window_extent()
        # Not the whole width: on a phone, what is at the right has to be scrolled to.
        if columns == 1 or extent.width < 0.85 * figure.bbox.width:
            figure.set_figheight(figure.get_figheight() + extent.height / figure.dpi)
            return
        legend.remove()


def draw_ring(panel: Axes, at: Place, label: str | None = None) -> None:
    """Draw a ring around the marker of a point."""
    look: dict[str, Any] = {"mfc": "none", "mec": INK, "mew": 1.2, "markersize": 12}
    panel.plot(*at, "o", **look, zorder=5, label=label)


def details_of(report: Report, text: str) -> tuple[str, str]:
    """Return the lines below the title of a figure: a text, and how the report is reduced."""
    return text, shortened(f"reduced: {report.reduced}" if report.reduced else "", 110)


def short_names(rows: Sequence[Row]) -> list[str]:
    """Return short names of the rows of a signal, with the axes on which they differ."""
    searched = {axis.name for row in rows for axis in row.study.spec.space.axes}
    axes = dict.fromkeys((*AXIS_LETTERS, *sorted(searched)))
    specs = [row.result.trial.configuration for row in rows]
    differing = [axis for axis in axes if len({str(spec.value(axis)) for spec in specs}) > 1]
    return [
        shortened(row.name, 20)
        if row.result.key in row.study.names
        else shortened(spec.short_label(differing or ["width"]), 40)
        for row, spec in zip(rows, specs, strict=True)
    ]


def varies_only_width(study: StudyRecord) -> bool:
    """Whether a study's architectures differ in their width alone."""
    widths = {result.trial.ensemble.width for result in study.results}
    distinct = 1 < len(widths) == len({result.key for result in study.results})
    specs = (result.trial.configuration for result in study.results)
    return distinct and len({spec.with_value("width", 1).key() for spec in specs}) == 1


def scale_costs(panel: Axes, *, narrow: bool = False) -> None:
    """Make the horizontal axis logarithmic, with numbers like 500M; fewer on a narrow panel."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    panel.set_xscale("log")
    panel.xaxis.set_major_locator(
        LogLocator(subs=(1.0, 3.0) if narrow else (1.0, 2.0, 5.0), numticks=9)
    )
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))
    panel.xaxis.set_minor_formatter(NullFormatter())


def apart(groups: Iterable[Sequence[Place]]) -> tuple[list[float], list[float]]:
    """Return the columns of a line through the places of each group, with a gap between groups."""
    places = [place for group in groups for place in (*group, (math.nan, math.nan))]
    return [x for x, _ in places], [y for _, y in places]


def stairs(trials: Iterable[TrialResult], across: str, up: str) -> list[Place]:
    """Return the Pareto front of two objectives as a staircase."""
    values = (objective_values(t, (across, up)) for t in pareto_front(trials, (across, up)))
    front = sorted((known[0], known[1]) for known in values if known)
    corners = [
        (before[0], after[1]) if MAXIMISED[across] else (after[0], before[1])
        for before, after in pairwise(front)
    ]
    return [place for both in zip_longest(front, corners) for place in both if place]


def write_beside(panel: Axes, named: Iterable[tuple[Place, str]], *, sideways: bool = True) -> None:
    """Write names beside points, off lines and markers; names without room are left out.

    Call it last, on a settled figure: it needs the final limits and positions.

    Args:
        panel: a panel on which everything else is drawn.
        named: points in data coordinates, with their names.
        sideways: whether a name may be to the left or to the right of its point.
    """
    drawn = [line.get_transform().transform_path(line.get_path()) for line in panel.lines]
    inside, margin = panel.get_window_extent(), 3.0 * panel.figure.dpi / 72
    written: list[Bbox] = []
    for point, name in named:
        for dx, dy in _OFFSETS if sideways else _OFFSETS[2:4]:
            text = panel.annotate(
                shortened(name, 24), point, (dx, dy), textcoords="offset points",
                ha=("center", "left", "right")[np.sign(dx)], size=SMALL - 1, color=QUIET, zorder=6,
                va=("center", "bottom", "top")[np.sign(dy)],
            )  # fmt: skip
            box = text.get_window_extent()
            around = box.padded(margin)
            if inside.count_contains(box.corners()) == 4 and not (
                box.count_overlaps(written)
                or any(around.count_contains(path.vertices) for path in drawn)
                or any(path.intersects_bbox(box, filled=False) for path in drawn)
            ):
                written.append(box)
                break
            text.remove()
