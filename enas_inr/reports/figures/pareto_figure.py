"""The figure of a search with several objectives: its trials and their Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.reports.figures.drawing import (
    CAPTION,
    INK,
    LABEL_POINTS,
    QUIET,
    RULE,
    caption,
    new_figure,
    plain,
)
from enas_inr.result import SearchResult, TrialResult, objective_values
from enas_inr.signals.files import replace_bytes
from enas_inr.spec import MAXIMISED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 120.0
_PANEL = (5.6, 4.0)  # inches: width and height
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.8, 0.3, 0.2, 0.6  # inches: around a panel
_FRONT = "#2a5ba8"
_MOST_LABELS = 12  # more would lie on each other
LABELS = {
    "psnr": "PSNR (dB)",
    "score": "score",
    "flops": "FLOPs",
    "parameters": "parameters",
    "bytes": "bytes",
}


def write_pareto(result: SearchResult, path: Path) -> None:
    """Draw the front as a PNG file, which is replaced at once.

    Raises:
        SignalError: the file cannot be written.
    """
    buffer = BytesIO()
    pareto_figure(result).savefig(buffer, format="png")
    replace_bytes(path, buffer.getvalue())


def pareto_figure(result: SearchResult) -> Figure:
    """Draw one objective against each of the others, a panel each.

    Args:
        result: of a search with two objectives or more.
    """
    objectives = result.spec.objectives
    up = next((name for name in objectives if MAXIMISED[name]), objectives[0])
    across = [name for name in objectives if name != up]
    step = _LEFT + _PANEL[0] + _RIGHT
    width, height = step * len(across), _TOP + CAPTION + _PANEL[1] + _BOTTOM
    figure = new_figure(width, height, _DPI)
    for index, name in enumerate(across):
        left = (index * step + _LEFT) / width
        place = (left, _BOTTOM / height, _PANEL[0] / width, _PANEL[1] / height)
        panel = figure.add_axes(place)
        _draw(panel, result, (name, up), stairs=len(across) == 1)
    known = sum(trial.score is not None for trial in result.trials)
    count = f"{len(result.front)} of {known} trials; ring: the best score"
    caption(figure.axes[0], "Pareto front", count)
    return figure


def _draw(panel: Axes, result: SearchResult, names: tuple[str, str], *, stairs: bool) -> None:
    for name, axis in zip(names, ("x", "y"), strict=True):
        panel.set(**{f"{axis}label": LABELS[name]})
        if name in type(result.best.trial.cost).model_fields:
            panel.set(**{f"{axis}scale": "log"})
    everything, front = _points(result.trials, names), _points(result.front, names)
    panel.scatter(*everything, s=18, color=RULE, linewidths=0, zorder=2)
    if stairs:  # of three objectives, two are no order
        ordered = sorted(zip(*front, strict=True))
        panel.step(
            *zip(*ordered, strict=True), where="pre" if MAXIMISED[names[0]] else "post",
            color=_FRONT, linewidth=1.0, zorder=3,
        )  # fmt: skip
    panel.scatter(*front, s=26, color=_FRONT, linewidths=0, zorder=4)
    panel.scatter(
        *_points([result.best], names),
        s=120, facecolors="none", edgecolors=INK, linewidths=1.2, zorder=5,
    )  # fmt: skip
    if len(result.front) <= _MOST_LABELS:
        # On the side of what is better there is nothing: it would be in the front itself.
        right, above = (MAXIMISED[name] for name in names)
        for trial, x, y in zip(result.front, *front, strict=True):
            panel.annotate(
                _short_label(trial, result), (x, y), (5 if right else -5, 5 if above else -5),
                textcoords="offset points", horizontalalignment="left" if right else "right",
                verticalalignment="center", rotation_mode="anchor",
                rotation=30 if right == above else -30,  # neighbours lie on a line the other way
                fontsize=LABEL_POINTS - 1.5, color=QUIET, zorder=6,
            )  # fmt: skip
    panel.margins(0.14, 0.12)  # the labels' room
    plain(panel)
    panel.grid(color=RULE, linewidth=0.4, alpha=0.6)


def _points(
    trials: Sequence[TrialResult], names: tuple[str, str]
) -> tuple[list[float], list[float]]:
    known = [values for trial in trials if (values := objective_values(trial, names))]
    return [values[0] for values in known], [values[1] for values in known]


def _short_label(trial: TrialResult, result: SearchResult) -> str:
    """Only what the search varied: `w=64 d=1`."""
    searched = [axis.name for axis in result.spec.space.axes if len(axis.values) > 1]
    letters = {"grid": "M", "depth": "d", "width": "w"}
    return " ".join(f"{letters[name]}={getattr(trial.trial.ensemble, name)}" for name in searched)
