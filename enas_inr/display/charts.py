"""Charts on axes of matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from enas_inr.display.svg import Points

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def new_axes() -> Axes:
    """Return the axes of a new figure."""
    from matplotlib import pyplot

    return pyplot.subplots()[1]


def plot_curves(named: Mapping[str, Points], x: str, y: str, ax: Axes | None) -> Axes:
    """Draw curves by their names, and return the axes."""
    ax = ax or new_axes()
    for name, points in named.items():
        ax.plot(list(points), list(points.values()), label=name)
    ax.set(xlabel=x, ylabel=y)
    if named:
        ax.legend()
    return ax


def plot_costs(
    points: Sequence[tuple[float, float]],
    best: tuple[float, float],
    name: str,
    labels: tuple[str, str],
    ax: Axes | None,
) -> Axes:
    """Draw points of cost and quality, the best one marked with its name; return the axes."""
    ax = ax or new_axes()
    ax.scatter([cost for cost, _ in points], [value for _, value in points], s=18, label="trials")
    ax.scatter([best[0]], [best[1]], s=90, facecolors="none", edgecolors="tab:red", label=name)
    ax.set(xscale="log", xlabel=labels[0], ylabel=labels[1])
    ax.legend()
    return ax
