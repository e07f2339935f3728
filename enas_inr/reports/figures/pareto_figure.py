"""The figure of a search with several objectives: its trials and their Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.reports.figures.charts import LABELS, scale_costs
from enas_inr.reports.figures.drawing import (
    INK,
    QUIET,
    RULE,
    SMALL,
    WAVE,
    caption,
    image_of,
    new_figure,
    settle,
    styled,
)
from enas_inr.result import SearchResult, TrialResult, objective_values
from enas_inr.signals.files import replace_bytes
from enas_inr.spec import MAXIMISED, Cost

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL = (6.7, 5.2)  # inches: width and height, with labels and caption
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
    figure = new_figure(_PANEL[0] * len(across), _PANEL[1])
    panels = figure.subplots(1, len(across), squeeze=False)[0]
    for panel, name in zip(panels, across, strict=True):
        _draw(panel, result, (name, up), stairs=len(across) == 1)
    known = sum(trial.score is not None for trial in result.trials)
    count = f"{len(result.front)} of {known} trials; ring: the best score"
    caption(panels[0], "Pareto front", count)
    settle(figure)
    return figure


def _draw(panel: Axes, result: SearchResult, names: tuple[str, str], *, stairs: bool) -> None:
    panel.set(xlabel=LABELS[names[0]], ylabel=LABELS[names[1]])
    everything, front = _points(result.trials, names), _points(result.front, names)
    if names[0] in Cost.model_fields:
        scale_costs(panel, everything[0])
    if names[1] in Cost.model_fields:
        panel.set_yscale("log")
    panel.scatter(*everything, s=18, color=RULE, linewidths=0, zorder=2)
    if stairs:  # of three objectives, two are no order
        ordered = zip(*sorted(zip(*front, strict=True)), strict=True)
        panel.step(
            *ordered,
            where="pre" if MAXIMISED[names[0]] else "post",
            color=WAVE,
            linewidth=1.0,
            zorder=3,
        )
    panel.scatter(*front, s=26, color=WAVE, linewidths=0, zorder=4)
    best = _points([result.best], names)
    panel.scatter(*best, s=120, facecolors="none", edgecolors=INK, linewidths=1.2, zorder=5)
    if len(result.front) <= _MOST_LABELS:
        searched = [axis.name for axis in result.spec.space.axes if len(axis.values) > 1]
        # On the side of what is better there is nothing: it would be in the front itself.
        right, above = (MAXIMISED[name] for name in names)
        for trial, x, y in zip(result.front, *front, strict=True):
            panel.annotate(
                trial.trial.ensemble.short_label(searched), (x, y),
                (5 if right else -5, 5 if above else -5), textcoords="offset points",
                ha="left" if right else "right", va="center", rotation_mode="anchor",
                rotation=30 if right == above else -30,  # neighbours lie on a line the other way
                size=SMALL - 1.5, color=QUIET, zorder=6,
            )  # fmt: skip
    panel.margins(0.14, 0.12)  # the labels' room
    panel.grid()


def _points(
    trials: Sequence[TrialResult], names: tuple[str, str]
) -> tuple[list[float], list[float]]:
    known = [values for trial in trials if (values := objective_values(trial, names))]
    return [values[0] for values in known], [values[1] for values in known]
