"""Charts of quality against cost, with the Pareto front of the two."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from enas_inr.reports.figures.charts import (
    Group,
    Style,
    details_of,
    groups,
    panels,
    short_names,
    varies_only_width,
    write_beside,
)
from enas_inr.reports.figures.drawing import INK, QUIET, SERIES
from enas_inr.reports.figures.pareto_figure import LABELS
from enas_inr.reports.rows import Row
from enas_inr.reports.statistics import CONFIDENCE
from enas_inr.result import objective_values, pareto_front
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import Report
from enas_inr.validation import format_quantity

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FRONT = INK
_MOST_NAMES = 14
_DIGITS = (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)
_ROOM = 0.12  # of the range, above and below


def cost_figure(report: Report, up: str, across: str) -> Figure | None:
    """Draw quality against cost: a panel for each signal, a colour for each study's label.

    PSNR has bars for the confidence interval over the repeats. Points of a study that varies only
    the width are joined in its order. A paper's values are hollow.

    Args:
        report: what is drawn.
        up: `psnr` or `score`.
        across: `flops`, `parameters` or `bytes`.

    Returns:
        The figure; None unless two trials at least are complete.
    """
    found = [
        Group(group.signal, known)
        for group in groups(report)
        if (known := tuple(row for row in group.rows if _at(row, up, across)))
    ]
    if sum(len(group.rows) for group in found) < 2:
        return None
    labels = list(dict.fromkeys(row.study.label for group in found for row in group.rows))
    styles = {label: Style.number(index) for index, label in enumerate(labels)}
    published = any(_published(row, up, across) for group in found for row in group.rows)
    unit = "larger is better" if up == "score" else "mean over the repeats"
    bars = any(row.psnr and row.psnr.half_width for group in found for row in group.rows)
    text = (
        f"{unit}, with its {CONFIDENCE:.0%} confidence interval" if bars and up == "psnr" else unit
    )
    figure, made = panels(
        f"{_TITLES[up]} against {LABELS[across]}",
        details_of(report, text),
        [group.signal for group in found],
        (_UNITS[across] if len(found) == 1 else LABELS[across], LABELS[up]),
        _entries(
            styles,
            published=published,
            front=any(len(_front(group, up, across)) > 1 for group in found),
        ),
    )
    costs = [getattr(row.result.trial.cost, across) for group in found for row in group.rows]
    _scale(made[0], math.log10(max(costs) / min(costs)), 9 if len(found) == 1 else 4)
    for panel, group in zip(made, found, strict=True):
        _draw(panel, group, styles, (up, across))
    _limit(made[0], found, up, across)
    for panel, group in zip(made, found, strict=True):
        names = short_names(group)
        few = len(group.rows) <= _MOST_NAMES and len(made) == 1
        points: list[tuple[tuple[float, float], str | None]] = []
        lines = [_stairs(_front(group, up, across))]
        for index, row in enumerate(group.rows):
            if at := _at(row, up, across):
                points.append((at, names[index] if few else None))
                if up == "psnr" and row.psnr and row.psnr.half_width:
                    half = row.psnr.half_width
                    lines.append([(at[0], at[1] - half), (at[0], at[1] + half)])
            if at and (theirs := _published(row, up, across)):
                points.append((theirs, None))
                lines.append([at, theirs])
        write_beside(panel, [at for at, _ in points], [name for _, name in points], lines)
    return figure


_TITLES = {"psnr": "PSNR", "score": "Score"}
_UNITS = {
    "flops": "FLOPs of one evaluation of the whole signal",
    "parameters": "parameters, all cells together",
    "bytes": "bytes as float32, all cells together",
}


def _draw(panel: Axes, group: Group, styles: dict[str, Style], names: tuple[str, str]) -> None:
    up, across = names
    for study in dict.fromkeys(id(row.study) for row in group.rows):
        of = [row for row in group.rows if id(row.study) == study]
        style = styles[of[0].study.label]
        if varies_only_width(of[0].study):
            ordered = sorted(of, key=lambda row: row.result.trial.ensemble.width)
            xs, ys = zip(*(at for row in ordered if (at := _at(row, up, across))), strict=True)
            panel.plot(xs, ys, style.line, color=style.color, linewidth=1.2, zorder=2)
        for row in of:
            at = _at(row, up, across)
            assert at is not None
            _draw_point(panel, row, at, style, interval=up == "psnr")
            if known := _published(row, up, across):
                panel.plot(*zip(at, known, strict=True), ":", color=QUIET, linewidth=0.8, zorder=1)
                panel.plot(
                    *known, style.marker, color=style.color, markerfacecolor="none",
                    markersize=6, markeredgewidth=1.1, zorder=3,
                )  # fmt: skip
    front = _stairs(_front(group, up, across))
    if len(front) > 1:
        xs, ys = zip(*front, strict=True)
        panel.plot(xs, ys, color=_FRONT, linewidth=1.0, alpha=0.55, zorder=1.5)


def _front(group: Group, up: str, across: str) -> list[tuple[float, float]]:
    """The points that no other beats in both, from the cheapest."""
    front = pareto_front([row.result for row in group.rows], (up, across))
    found = [objective_values(result, (across, up)) for result in front]
    return sorted((values[0], values[1]) for values in found if values)


def _stairs(front: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is reached at each cost: the best so far, until the next."""
    corners = [(after[0], before[1]) for before, after in pairwise(front)]
    return sorted([*front, *corners])


def _scale(panel: Axes, decades: float, most: int) -> None:
    """A logarithmic axis with numbers like 500M, as many as there is room for."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    panel.set_xscale("log")
    digits = next((d for d in _DIGITS if decades * len(d) <= most), _DIGITS[-1])
    panel.xaxis.set_major_locator(LogLocator(subs=digits))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _quantity(x)))
    panel.xaxis.set_minor_formatter(NullFormatter())


def _quantity(value: float) -> str:
    return format_quantity(value).replace(".00", "")


def _draw_point(
    panel: Axes, row: Row, at: tuple[float, float], style: Style, *, interval: bool
) -> None:
    half = row.psnr.half_width if row.psnr and interval else None
    if half:
        panel.errorbar(*at, yerr=half, color=style.color, linewidth=1.0, capsize=2.5, zorder=3)
    panel.plot(*at, style.marker, color=style.color, markersize=6, markeredgewidth=0, zorder=4)
    if row.best:
        panel.plot(
            *at, "o", markersize=12, markerfacecolor="none", markeredgecolor=INK,
            markeredgewidth=1.2, zorder=5,
        )  # fmt: skip


def _limit(panel: Axes, found: list[Group], up: str, across: str) -> None:
    """Make room for points and names; a huge interval of two repeats must not press them flat."""
    every = [row for group in found for row in group.rows]
    ats = [at for row in every for at in (_at(row, up, across), _published(row, up, across)) if at]
    low, high = min(y for _, y in ats), max(y for _, y in ats)
    reach = max(high - low, 0.5)
    ends = [low, high]
    if up == "psnr":
        spans = [row.psnr.interval for row in every if row.psnr]
        ends += [
            min(max(end, low - reach / 2), high + reach / 2) for s in spans for end in s if end
        ]
    room = _ROOM * max(max(ends) - min(ends), 0.5)
    panel.set_ylim(min(ends) - room, max(ends) + room)
    left, right = min(x for x, _ in ats), max(x for x, _ in ats)
    factor = max((right / left) ** 0.1, 1.15)
    panel.set_xlim(left / factor, right * factor)


def _at(row: Row, up: str, across: str) -> tuple[float, float] | None:
    """Where a row's point is; None unless it is complete."""
    y = row.result.score if up == "score" else row.result.psnr_db
    return None if y is None else (float(getattr(row.result.trial.cost, across)), y)


def _published(row: Row, up: str, across: str) -> tuple[float, float] | None:
    """Where the paper's point is: at our cost unless it prints its own."""
    if up != "psnr" or row.published is None or row.published.psnr_paper_db is None:
        return None
    ours = getattr(row.result.trial.cost, across)
    x = row.published.flops or ours if across == "flops" else ours
    return float(x), row.published.psnr_paper_db + PSNR_OFFSET_DB


def _entries(styles: dict[str, Style], *, published: bool, front: bool) -> list[tuple[Artist, str]]:
    from matplotlib.lines import Line2D

    made: list[tuple[Artist, str]] = [
        (
            Line2D([], [], color=s.color, marker=s.marker, linestyle="none", markeredgewidth=0),
            label or "architectures",
        )
        for label, s in styles.items()
        if label or len(styles) > 1
    ]
    if published:
        hollow = {"markerfacecolor": "none", "markeredgecolor": SERIES[0], "linestyle": "none"}
        made.append((Line2D([], [], marker="o", **hollow), "published"))  # type: ignore[arg-type]
    if front:
        made.append((Line2D([], [], color=_FRONT, linewidth=1.0, alpha=0.55), "Pareto front"))
    ring = Line2D(
        [], [], marker="o", markersize=9, linestyle="none",
        markerfacecolor="none", markeredgecolor=INK,
    )  # fmt: skip
    return [*made, (ring, "best score of its study")]
