"""What our figures have in common: a canvas without global state, captions, borders of cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from enas_inr.signals.quality import BorderError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure

INK = "#1f2328"
QUIET = "#59636e"
RULE = "#c8ced5"
SERIES = "#0072b2", "#d55e00", "#009e73", "#b35c93", "#b8860b", "#3f9fd6", "#7a5195"
"""One colour for each of several things: after Okabe and Ito, for colour-blind readers."""
MARKERS = "osD^vP*"
LABEL_POINTS = 8.5
CAPTION = 0.45  # inches
MARGIN = 0.15  # inches: around a heading
_LINE = 0.2  # inches: of a heading
_EXACT_DB = 300.0  # no float32 reconstruction comes near it
POINTS_PER_INCH = 72


def new_figure(width: float, height: float, dpi: float) -> Figure:
    """An empty white figure of that many inches on an Agg canvas; pyplot never hears of it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def caption(axes: Axes, title: str, detail: str = "", *, small: bool = False) -> None:
    """Write a title above the axes, on the left, and a quieter line of details below it.

    Both lines take `CAPTION` inches; small ones are for one of many.
    """
    lines = [(title, 19, 11.0, "bold", INK), (detail, 6, 9.0, "normal", QUIET)]
    if small:
        lines = [
            (title, 15, LABEL_POINTS, "normal", INK),
            (detail, 4, LABEL_POINTS - 0.5, "normal", QUIET),
        ]
    for text, above, size, weight, color in lines:
        axes.annotate(
            text,
            (0, 1),
            (0, above),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=size,
            fontweight=weight,
            color=color,
            parse_math=False,
        )


def heading(figure: Figure, title: str, details: Sequence[str]) -> None:
    """Write a title at the top left of a figure, and quieter lines of details below it.

    Takes `heading_inches(details)`; empty details take no line.
    """
    width, height = figure.get_size_inches()
    lines = [(title, 11.0, "bold", INK)]
    lines += [(detail, 9.0, "normal", QUIET) for detail in details if detail]
    top = MARGIN
    for text, size, weight, color in lines:
        figure.text(
            MARGIN / width,
            1 - top / height,
            text,
            fontsize=size,
            fontweight=weight,
            color=color,
            verticalalignment="top",
            parse_math=False,
        )
        top += _LINE


def heading_inches(details: Sequence[str]) -> float:
    """How much of a figure's height its heading takes, margins included."""
    return 2 * MARGIN + _LINE * sum(1 for text in ["title", *details] if text) - 0.05


def plain(axes: Axes) -> None:
    """Give axes the quiet look that all our charts have."""
    axes.tick_params(which="both", labelsize=LABEL_POINTS, color=RULE, labelcolor=INK)
    axes.xaxis.label.set(fontsize=LABEL_POINTS, color=INK)
    axes.yaxis.label.set(fontsize=LABEL_POINTS, color=INK)
    axes.spines[:].set(color=RULE, linewidth=0.6)


def shortened(text: str, most: int) -> str:
    """Text of any origin as one line of at most that many characters that can be printed."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= most else line[: most - 1] + "\u2026"


def borders(segments: Sequence[Sequence[tuple[float, float]]], cell: float) -> list[LineCollection]:
    """Lines between cells that are legible on dark and on light, and leave small cells to be seen.

    Args:
        segments: from point to point, in data coordinates.
        cell: the shorter side of a cell in inches on the figure.
    """
    from matplotlib.collections import LineCollection

    width = min(0.8, 0.06 * cell * POINTS_PER_INCH)
    return [
        LineCollection(segments, linewidths=2.2 * width, colors="black", alpha=0.45),
        LineCollection(segments, linewidths=width, colors="white", alpha=0.9),
    ]


def color_bar(bar: Colorbar, label: str) -> None:
    """Label a colour bar in our style."""
    bar.set_label(label, fontsize=LABEL_POINTS, color=INK)
    bar.ax.tick_params(labelsize=LABEL_POINTS, color=RULE, labelcolor=INK)
    bar.ax.spines[:].set(color=RULE, linewidth=0.6)


def db_text(psnr_db: float) -> str:
    """PSNR for people."""
    return "exact" if psnr_db > _EXACT_DB else f"{psnr_db:.2f} dB"


def border_text(error: BorderError) -> str:
    """PSNR beside the borders and elsewhere, for people; empty without borders."""
    if error.border_db is None:
        return ""
    beside = f"beside borders {db_text(error.border_db)}"
    return beside + ("" if error.interior_db is None else f", inside {db_text(error.interior_db)}")
