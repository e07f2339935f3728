"""Charts of quality against cost, with the Pareto front of the two."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from enas_inr.reports.figures.charts import (
    LABELS,
    RING,
    Place,
    Style,
    add_legend,
    details_of,
    panels,
    scale_costs,
    short_names,
    stairs,
    varies_only_width,
    write_beside,
)
from enas_inr.reports.figures.drawing import INK, QUIET, SERIES, settle, styled
from enas_inr.reports.rows import Results, Row
from enas_inr.reports.statistics import CONFIDENCE
from enas_inr.result import objective_values
from enas_inr.spec import PSNR_OFFSET_DB

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMES = 14
_TITLES = {"psnr": "PSNR", "score": "Score"}
_UNITS = {
    "flops": "FLOPs of one evaluation of the whole signal",
    "parameters": "parameters, all cells together",
    "bytes": "bytes as float32, all cells together",
}
_HOLLOW: dict[str, Any] = {"mfc": "none", "ls": "none", "markersize": 6, "mew": 1.1}
_FRONT: dict[str, Any] = {"color": INK, "lw": 1.0, "alpha": 0.55}


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
    known = [(g.signal, [r for r in g.rows if r.result.score is not None]) for g in results.groups]
    charts = [(signal, rows) for signal, rows in known if rows]
    every = [row for _, rows in charts for row in rows]
    if len(every) < 2:
        return None
    alone, names = len(charts) == 1, (across, up)
    bars = up == "psnr" and any(row.psnr and row.psnr.half_width for row in every)
    text = "larger is better" if up == "score" else "mean over the repeats"
    text += f", with its {CONFIDENCE:.0%} confidence interval" if bars else ""
    figure, made = panels(
        f"{_TITLES[up]} against {LABELS[across]}",
        details_of(results.report, text),
        [signal for signal, _ in charts],
        (_UNITS[across] if alone else LABELS[across], LABELS[up]),
    )
    labels = dict.fromkeys(row.study.label for row in every)
    styles = {label: Style.number(index) for index, label in enumerate(labels)}
    lines = [stairs([row.result for row in rows], across, up) for _, rows in charts]
    fronts = max(map(len, lines)) > 1
    for panel, (_, rows), front in zip(made, charts, lines, strict=True):
        _draw(panel, rows, styles, names)
        panel.plot(*zip(*front, strict=True), **_FRONT, zorder=1.5)
    made[0].margins(0.1, 0.4 if bars else 0.15)
    scale_costs(made[0], narrow=not alone)
    # The huge interval of two repeats must not press the points flat: it is drawn within limits.
    made[0].set_ylim(made[0].get_ylim())
    for panel, (_, rows) in zip(made, charts, strict=True):
        for row in rows:
            (x, y), half = _place(row, names), row.psnr.half_width if row.psnr else None
            if bars and half:
                color = styles[row.study.label].color
                panel.errorbar(x, y, yerr=half, color=color, lw=1.0, capsize=2.5, zorder=3)
                lines.append([(x, y - half), (x, y + half)])
    theirs = [at for row in every if (at := _published(row, names))]
    add_legend(figure, _entries(styles, published=bool(theirs), front=fronts))
    settle(figure)
    if alone and len(every) <= _MOST_NAMES:
        points = [*(_place(row, names) for row in every), *theirs]
        write_beside(made[0], points, [*short_names(every), *(None for _ in theirs)], lines)
    return figure


def _place(row: Row, names: tuple[str, str]) -> Place:
    values = objective_values(row.result, names)
    assert values is not None  # of a complete row
    return values[0], values[1]


def _published(row: Row, names: tuple[str, str]) -> Place | None:
    """Where a paper has it: at our cost unless it prints its own."""
    paper = row.published
    if names[1] != "psnr" or paper is None or paper.psnr_paper_db is None:
        return None
    theirs = paper.flops if names[0] == "flops" else None
    return float(theirs or _place(row, names)[0]), paper.psnr_paper_db + PSNR_OFFSET_DB


def _draw(
    panel: Axes, rows: Sequence[Row], styles: dict[str, Style], names: tuple[str, str]
) -> None:
    for _, of in groupby(rows, key=lambda row: id(row.study)):
        ordered = sorted(of, key=lambda row: row.result.trial.ensemble.width)
        if varies_only_width(ordered[0].study):
            style = styles[ordered[0].study.label]
            line = zip(*(_place(row, names) for row in ordered), strict=True)
            panel.plot(*line, style.line, color=style.color, linewidth=1.2, zorder=2)
    for row in rows:
        style, at = styles[row.study.label], _place(row, names)
        look: dict[str, Any] = {"color": style.color, "marker": style.marker}
        panel.plot(*at, **look, markersize=6, mew=0, zorder=4)
        if row.best:
            panel.plot(*at, **RING, markersize=12, zorder=5)
        if known := _published(row, names):
            panel.plot(*zip(at, known, strict=True), ":", color=QUIET, linewidth=0.8, zorder=1)
            panel.plot(*known, **look, **_HOLLOW, zorder=3)


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
    return [*made, (Line2D([], [], **RING, markersize=9), "best score of its study")]
