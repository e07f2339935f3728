"""Charts of quality against cost, with the Pareto front of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from enas_inr.reports.figures.charts import (
    LABELS,
    Style,
    add_legend,
    details_of,
    panels,
    scale_costs,
    short_names,
    varies_only_width,
    write_beside,
)
from enas_inr.reports.figures.drawing import INK, QUIET, SERIES, settle, styled
from enas_inr.reports.rows import Results, Row
from enas_inr.reports.statistics import CONFIDENCE
from enas_inr.result import objective_values, pareto_front
from enas_inr.spec import PSNR_OFFSET_DB

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    _Place = tuple[float, float]

_MOST_NAMES = 14
_ROOM = 0.12  # of the range, above and below
_TITLES = {"psnr": "PSNR", "score": "Score"}
_UNITS = {
    "flops": "FLOPs of one evaluation of the whole signal",
    "parameters": "parameters, all cells together",
    "bytes": "bytes as float32, all cells together",
}
_HOLLOW: dict[str, Any] = {"mfc": "none", "ls": "none", "markersize": 6, "mew": 1.1}
_RING: dict[str, Any] = {
    "marker": "o",
    "mfc": "none",
    "mec": INK,
    "ls": "none",
    "markersize": 12,
    "mew": 1.2,
}
_FRONT: dict[str, Any] = {"color": INK, "lw": 1.0, "alpha": 0.55}


@dataclass(frozen=True)
class _Point:
    """A complete row.

    Attributes:
        at: its cost and quality.
        interval: the lower and the upper end of the confidence interval, if it is drawn.
        published: where a paper has it: at our cost unless it prints its own.
    """

    row: Row
    at: _Place
    interval: tuple[_Place, _Place] | None
    published: _Place | None

    @classmethod
    def of(cls, row: Row, up: str, across: str) -> _Point | None:
        """None unless the row is complete."""
        y = row.result.score if up == "score" else row.result.psnr_db
        if y is None:
            return None
        x = float(getattr(row.result.trial.cost, across))
        interval = published = None
        if up == "psnr" and row.psnr and (half := row.psnr.half_width):
            interval = (x, y - half), (x, y + half)
        paper = row.published
        if up == "psnr" and paper and paper.psnr_paper_db is not None:
            theirs = paper.flops if across == "flops" else None
            published = float(theirs or x), paper.psnr_paper_db + PSNR_OFFSET_DB
        return cls(row, (x, y), interval, published)


@styled
def cost_figure(results: Results, up: str, across: str) -> Figure | None:
    """Draw quality against cost: a panel for each signal, a colour for each study's label.

    PSNR has bars for the confidence interval over the repeats. Points of a study that varies only
    the width are joined in its order. A paper's values are hollow.

    Args:
        results: what is drawn.
        up: `psnr` or `score`.
        across: `flops`, `parameters` or `bytes`.

    Returns:
        The figure; None unless two trials at least are complete.
    """
    charts = [
        (group.signal, points)
        for group in results.groups
        if (points := [p for row in group.rows if (p := _Point.of(row, up, across))])
    ]
    every = [point for _, points in charts for point in points]
    if len(every) < 2:
        return None
    alone = len(charts) == 1
    text = "larger is better" if up == "score" else "mean over the repeats"
    if any(point.interval for point in every):
        text += f", with its {CONFIDENCE:.0%} confidence interval"
    figure, made = panels(
        f"{_TITLES[up]} against {LABELS[across]}",
        details_of(results.report, text),
        [signal for signal, _ in charts],
        (_UNITS[across] if alone else LABELS[across], LABELS[up]),
    )
    scale_costs(made[0], [point.at[0] for point in every], 9 if alone else 4)
    labels = dict.fromkeys(point.row.study.label for point in every)
    styles = {label: Style.number(index) for index, label in enumerate(labels)}
    fronts = [_stairs(points, up, across) for _, points in charts]
    for panel, (_, points), front in zip(made, charts, fronts, strict=True):
        _draw(panel, points, styles)
        panel.plot(*zip(*front, strict=True), **_FRONT, zorder=1.5)
    _limit(made[0], every)
    published = any(point.published for point in every)
    add_legend(figure, _entries(styles, published=published, front=max(map(len, fronts)) > 1))
    settle(figure)
    if alone and len(every) <= _MOST_NAMES:
        _name(made[0], every, fronts[0])
    return figure


def _draw(panel: Axes, points: Sequence[_Point], styles: dict[str, Style]) -> None:
    for _, of in groupby(points, key=lambda point: id(point.row.study)):
        ordered = sorted(of, key=lambda point: point.row.result.trial.ensemble.width)
        if varies_only_width(ordered[0].row.study):
            style = styles[ordered[0].row.study.label]
            line = zip(*(point.at for point in ordered), strict=True)
            panel.plot(*line, style.line, color=style.color, linewidth=1.2, zorder=2)
    for point in points:
        style = styles[point.row.study.label]
        look: dict[str, Any] = {"color": style.color, "marker": style.marker}
        if point.interval:
            half = point.interval[1][1] - point.at[1]
            panel.errorbar(*point.at, yerr=half, color=style.color, lw=1.0, capsize=2.5, zorder=3)
        panel.plot(*point.at, **look, markersize=6, mew=0, zorder=4)
        if point.row.best:
            panel.plot(*point.at, **_RING, zorder=5)
        if known := point.published:
            path = zip(point.at, known, strict=True)
            panel.plot(*path, ":", color=QUIET, linewidth=0.8, zorder=1)
            panel.plot(*known, **look, **_HOLLOW, zorder=3)


def _stairs(points: Sequence[_Point], up: str, across: str) -> list[_Place]:
    """What is reached at each cost: the best so far, until the next."""
    trials = pareto_front([point.row.result for point in points], (up, across))
    values = (objective_values(trial, (across, up)) for trial in trials)
    front = sorted((known[0], known[1]) for known in values if known)
    corners = [(after[0], before[1]) for before, after in pairwise(front)]
    return sorted([*front, *corners])


def _limit(panel: Axes, every: Sequence[_Point]) -> None:
    """Make room for points and names; a huge interval of two repeats must not press them flat."""
    ats = [at for point in every for at in (point.at, point.published) if at]
    low, high = min(y for _, y in ats), max(y for _, y in ats)
    reach = max(high - low, 0.5) / 2
    ends = [y for point in every for _, y in point.interval or ()]
    low = min(low, max(low - reach, min(ends, default=low)))
    high = max(high, min(high + reach, max(ends, default=high)))
    room = _ROOM * max(high - low, 0.5)
    panel.set_ylim(low - room, high + room)
    left, right = min(x for x, _ in ats), max(x for x, _ in ats)
    factor = max((right / left) ** 0.1, 1.15)
    panel.set_xlim(left / factor, right * factor)


def _name(panel: Axes, points: Sequence[_Point], front: list[_Place]) -> None:
    names = short_names([point.row for point in points])
    theirs = [(point.at, point.published) for point in points if point.published]
    lines = [front, *(point.interval for point in points if point.interval), *theirs]
    write_beside(
        panel,
        [point.at for point in points] + [known for _, known in theirs],
        [*names, *(None for _ in theirs)],
        lines,
    )


def _entries(styles: dict[str, Style], *, published: bool, front: bool) -> list[tuple[Artist, str]]:
    from matplotlib.lines import Line2D

    made: list[tuple[Artist, str]] = [
        (Line2D([], [], color=s.color, marker=s.marker, ls="none", mew=0), label or "architectures")
        for label, s in styles.items()
        if label or len(styles) > 1
    ]
    if published:
        hollow = Line2D([], [], marker="o", color=SERIES[0], **_HOLLOW)
        made.append((hollow, "published"))
    if front:
        made.append((Line2D([], [], **_FRONT), "Pareto front"))
    ring = Line2D([], [], **_RING | {"markersize": 9})
    return [*made, (ring, "best score of its study")]
