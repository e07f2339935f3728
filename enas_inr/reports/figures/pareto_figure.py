"""The figure of a search with several objectives: its trials and their Pareto front."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.reports.figures.charts import LABELS, RING, scale_costs, stairs, write_beside
from enas_inr.reports.figures.drawing import RULE, WAVE, image_of, new_figure, settle, styled
from enas_inr.result import SearchResult, objective_values
from enas_inr.signals.files import replace_bytes
from enas_inr.spec import MAXIMISED, Cost

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL = (6.7, 4.8)  # inches: width and height, with labels
_MOST_LABELS = 12  # more would lie on each other


def write_pareto(result: SearchResult, path: Path) -> None:
    """Draw the front as a PNG file, which is replaced at once.

    Raises:
        SignalError: the file cannot be written.
    """
    replace_bytes(path, image_of(pareto_figure(result), "png"))


@styled
def pareto_figure(result: SearchResult) -> Figure:
    """Draw one objective against each of the others, a panel each.

    Args:
        result: of a search with two objectives or more.
    """
    objectives = result.spec.objectives
    up = next((name for name in objectives if MAXIMISED[name]), objectives[0])
    across = [name for name in objectives if name != up]
    known = [trial for trial in result.trials if trial.score is not None]
    count = f"{len(result.front)} of {len(known)} trials; ring: the best score"
    figure = new_figure(_PANEL[0] * len(across), _PANEL[1], "Pareto front", [count])
    panels = figure.subplots(1, len(across), squeeze=False)[0]
    kept = {trial.key for trial in result.front}
    drawn = []
    for panel, name in zip(panels, across, strict=True):
        values = [objective_values(trial, (name, up)) or () for trial in known]
        points = [(value[0], value[1]) for value in values]
        for trial, at in zip(known, points, strict=True):
            color, size, order = (WAVE, 5, 4) if trial.key in kept else (RULE, 4, 2)
            panel.plot(*at, "o", color=color, markersize=size, mew=0, zorder=order)
            if trial.key == result.best.key:
                panel.plot(*at, **RING, markersize=11, zorder=5)
        # Of three objectives, two are no order.
        lines = [stairs(known, name, up)] if len(across) == 1 else []
        for line in lines:
            panel.plot(*zip(*line, strict=True), color=WAVE, lw=1.0, zorder=3)
        if name in Cost.model_fields:
            scale_costs(panel)
        if up in Cost.model_fields:
            panel.set_yscale("log")
        panel.set(xlabel=LABELS[name], ylabel=LABELS[up])
        panel.margins(0.14, 0.12)  # the names' room
        panel.grid()
        drawn.append((panel, points, lines))
    settle(figure)
    if len(kept) <= _MOST_LABELS:
        searched = [axis.name for axis in result.spec.space.axes if len(axis.values) > 1]
        names = [t.trial.ensemble.short_label(searched) if t.key in kept else None for t in known]
        for panel, points, lines in drawn:
            write_beside(panel, points, names, lines)
    return figure
