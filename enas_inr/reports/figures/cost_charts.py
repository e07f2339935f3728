"""Charts of objectives against cost, with the Pareto front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from enas_inr.reports.figures.charts import (
    LABELS,
    WIDTH,
    Place,
    Style,
    add_legend,
    apart,
    details_of,
    draw_ring,
    panels,
    scale_costs,
    short_names,
    stairs,
    varies_only_width,
    write_beside,
)
from enas_inr.reports.figures.drawing import INK, QUIET, RULE, WAVE, new_figure, settle, styled
from enas_inr.reports.rows import Results, Row
from enas_inr.reports.statistics import CONFIDENCE
from enas_inr.result import SearchResult, objective_values
from enas_inr.spec import PSNR_OFFSET_DB, Cost
from enas_inr.spec.budget import MAXIMISED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL = (6.7, 4.8)  # inches: width and height of a panel of a search's figure, with labels
_MOST_NAMES = 14  # more would overlap
_LEAST_DB = 0.5  # the least range of PSNR that a chart shows
_TITLES = {"psnr": "PSNR", "score": "Score"}
_UNITS = {
    "flops": "FLOPs of one evaluation of the whole signal",
    "parameters": "parameters, all cells together",
    "bytes": "bytes as float32, all cells together",
}


@styled()
def cost_figure(results: Results, up: str, across: str, width: float = WIDTH) -> Figure | None:
    """Draw quality against cost: a panel for each signal, a colour for each study's label.

    PSNR has bars for the confidence interval over the repeats. Points of a study that varies only
    the width are joined in the order of the width. A paper's values are hollow.

    Args:
        results: the results to draw.
        up: `psnr` or `score`.
        across: `flops`, `parameters` or `bytes`.
        width: width of the figure in inches.

    Returns:
        The figure; None unless at least two trials are complete.
    """
    known = [(g.signal, [r for r in g.rows if r.result.score is not None]) for g in results.groups]
    charts = [(signal, rows) for signal, rows in known if rows]
    every = [row for _, rows in charts for row in rows]
    if len(every) < 2:
        return None
    alone, names = len(charts) == 1, (across, up)
    text = "larger is better" if up == "score" else "mean over the repeats"
    if any(_half_width(row, up) for row in every):
        text += f", with its {CONFIDENCE:.0%} confidence interval"
    figure, made = panels(
        f"{_TITLES[up]} against {LABELS[across]}",
        details_of(results.report, text),
        [signal for signal, _ in charts],
        (_UNITS[across] if alone else LABELS[across], LABELS[up]),
        width,
    )
    labels = dict.fromkeys(row.study.label for row in every)
    styles = {label: Style.number(index) for index, label in enumerate(labels)}
    for panel, (_, rows) in zip(made, charts, strict=True):
        _draw_rows(panel, rows, styles, names)
        _draw_front(panel, stairs([row.result for row in rows], across, up), INK)
    made[0].margins(0.1, 0.15)
    scale_costs(made[0], narrow=not alone or width < WIDTH)
    if up == "psnr":
        made[0].set_ylim(_psnr_limits(every, names))
    add_legend(figure)
    settle(figure)
    if alone and len(every) <= _MOST_NAMES:
        points = [_values(row.result, names) for row in every]
        write_beside(made[0], zip(points, short_names(every), strict=True))
    return figure


@styled()
def pareto_figure(result: SearchResult) -> Figure:
    """Draw one objective against each of the others, in a panel each.

    Args:
        result: the result of a search with at least two objectives.
    """
    objectives = result.spec.objectives
    up = next((name for name in objectives if MAXIMISED[name]), objectives[0])
    across = [name for name in objectives if name != up]
    known = [trial for trial in result.trials if trial.score is not None]
    count = f"{len(result.front)} of {len(known)} trials; ring: the best score"
    figure = new_figure(_PANEL[0] * len(across), _PANEL[1], "Pareto front", [count])
    kept = {trial.key for trial in result.front}
    searched = [axis.name for axis in result.spec.space.axes if len(axis.values) > 1]
    named = []
    for panel, name in zip(figure.subplots(1, len(across), squeeze=False)[0], across, strict=True):
        front = [(trial, _values(trial, (name, up))) for trial in known if trial.key in kept]
        others = [_values(trial, (name, up)) for trial in known if trial.key not in kept]
        panel.plot(*apart([at] for at in others), "o", color=RULE, markersize=4, mew=0, zorder=2)
        panel.plot(*apart([at] for _, at in front), "o", color=WAVE, markersize=5, mew=0, zorder=4)
        draw_ring(panel, _values(result.best, (name, up)))
        for trial, at in front if len(front) <= _MOST_NAMES else []:
            named.append((panel, at, trial.trial.configuration.short_label(searched)))
        if len(across) == 1:  # the front of three objectives is not a line
            _draw_front(panel, stairs(known, name, up), WAVE)
        if name in Cost.model_fields:
            scale_costs(panel)
        if up in Cost.model_fields:
            panel.set_yscale("log")
        panel.set(xlabel=LABELS[name], ylabel=LABELS[up])
        panel.margins(0.14, 0.12)  # room for the names
        panel.grid()
    settle(figure)
    for panel, of in groupby(named, key=lambda name: name[0]):
        write_beside(panel, [(at, name) for _, at, name in of])
    return figure


def _values(trial: Any, names: tuple[str, str]) -> Place:
    values = objective_values(trial, names)
    assert values is not None  # the trial is complete
    return values[0], values[1]


def _half_width(row: Row, up: str) -> float:
    return (up == "psnr" and row.psnr and row.psnr.half_width) or 0.0


def _published(row: Row, names: tuple[str, str]) -> Place | None:
    """Return the position of the paper's values, at our cost unless the paper gives its own."""
    paper = row.published
    if names[1] != "psnr" or paper is None or paper.psnr_paper_db is None:
        return None
    theirs = paper.flops if names[0] == "flops" else None
    return float(theirs or _values(row.result, names)[0]), paper.psnr_paper_db + PSNR_OFFSET_DB


def _psnr_limits(rows: Sequence[Row], names: tuple[str, str]) -> tuple[float, float]:
    """Limits that show all points, and their intervals as far as these leave the points apart.

    The interval of two repeats can be many times as wide as the range of the points: each end is
    shown up to one such range beyond them.
    """
    known = [
        at for row in rows for at in (_values(row.result, names), _published(row, names)) if at
    ]
    low, high = min(y for _, y in known), max(y for _, y in known)
    least, most = low - max(high - low, _LEAST_DB), high + max(high - low, _LEAST_DB)
    for row in rows:
        (_, y), half = _values(row.result, names), _half_width(row, names[1])
        low, high = min(low, max(y - half, least)), max(high, min(y + half, most))
    room = max(0.1 * (high - low), (_LEAST_DB - (high - low)) / 2)
    return low - room, high + room


def _draw_rows(
    panel: Axes, rows: Sequence[Row], styles: dict[str, Style], names: tuple[str, str]
) -> None:
    for _, of in groupby(rows, key=lambda row: id(row.study)):
        ordered = sorted(of, key=lambda row: row.result.trial.ensemble.width)
        if varies_only_width(ordered[0].study):
            style = styles[ordered[0].study.label]
            line = zip(*(_values(row.result, names) for row in ordered), strict=True)
            panel.plot(*line, style.line, color=style.color, linewidth=1.2, zorder=2)
    for study, style in styles.items():
        of_label = [row for row in rows if row.study.label == study]
        places = [_values(row.result, names) for row in of_label]
        both = list(zip(of_label, places, strict=True))
        bars = [((x, y - h), (x, y + h)) for r, (x, y) in both if (h := _half_width(r, names[1]))]
        pairs = [(at, known) for row, at in both if (known := _published(row, names))]
        look: dict[str, Any] = {"color": style.color, "marker": style.marker, "markersize": 6}
        label = study or ("architectures" if len(styles) > 1 else None)
        # A line for all points of a study, since thousands of lines would take minutes.
        panel.plot(*apart([at] for at in places), **look, ls="none", mew=0, zorder=4, label=label)
        if bars:
            panel.plot(*apart(bars), "_-", color=style.color, lw=1.0, zorder=3)
        if pairs:
            panel.plot(*apart(pairs), ":", color=QUIET, linewidth=0.8, zorder=1)
            theirs = apart([known] for _, known in pairs)
            panel.plot(*theirs, **look, mfc="none", mew=1.1, ls="none", zorder=3, label="published")
    for row in rows:
        if row.best:
            draw_ring(panel, _values(row.result, names), label="best score of its study")


def _draw_front(panel: Axes, front: Iterable[Place], color: str) -> None:
    label = "Pareto front"
    panel.plot(*zip(*front, strict=True), color=color, lw=1.0, alpha=0.55, zorder=1.5, label=label)
