"""The figure of a set: the PSNR on each of its signals, and over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enas_inr.reports.figures.charts import WIDTH, add_legend, details_of
from enas_inr.reports.figures.drawing import (
    INK,
    QUIET,
    SERIES,
    SMALL,
    new_figure,
    settle,
    shortened,
    styled,
)
from enas_inr.reports.rows import Results
from enas_inr.reports.signals import SignalRow, signal_rows
from enas_inr.result import TrialResult
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import StudyRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_SIGNALS = 24  # strips; of more signals, the best and the worst
_MOST_BOXES = 10  # configurations
_LINE = 0.24  # inches


@styled()
def signals_figure(results: Results, width: float = WIDTH) -> Figure | None:
    """Draw the PSNR on each signal of a set, and its spread over them for the best configurations.

    A strip has a dot for each configuration that was trained on the signal, with that of the best
    one of the study filled, and its rank there. A box has the quartiles over the signals.

    Args:
        results: the results to draw.
        width: width of the figure in inches.

    Returns:
        The figure of the first study about a set; None if there is none.
    """
    studies = [(study, rows) for study in results.report.studies if (rows := signal_rows(study))]
    if not studies:
        return None
    study, rows = studies[0]
    half = _MOST_SIGNALS // 2
    shown = rows if len(rows) <= _MOST_SIGNALS else [*rows[:half], *rows[-half:]]
    boxes = _boxes(study)
    left_out = f"; the {half} best and worst of {len(rows)}" if len(shown) < len(rows) else ""
    text = f"dots: configurations trained on a signal{left_out}; boxes: quartiles over the signals"
    heights = _LINE * len(shown) + 0.5, _LINE * len(boxes) + 0.5
    figure = new_figure(width, sum(heights), "PSNR by signal", details_of(results.report, text))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    _draw_strips(upper, shown)
    _draw_boxes(lower, boxes)
    add_legend(figure)
    settle(figure)
    return figure


def _boxes(study: StudyRecord) -> list[tuple[str, list[float]]]:
    """Return the best configurations that were trained on all signals, with their PSNRs."""
    latest = {result.key: result for result in study.results}.values()
    whole = [one for one in latest if one.over and len(one.over.signals) == one.over.of]
    ranked = sorted(whole, key=lambda result: result.rank, reverse=True)[:_MOST_BOXES]
    return [(study.name_of(result), _psnrs(result)) for result in ranked]


def _psnrs(result: TrialResult) -> list[float]:
    signals = result.over.signals if result.over else ()
    return [one.psnr_paper_db + PSNR_OFFSET_DB for one in signals]


def _draw_strips(panel: Axes, rows: list[SignalRow]) -> None:
    look = {"mfc": "none", "mec": QUIET, "mew": 0.7, "markersize": 4.5}
    for place, row in enumerate(rows):
        label = "a configuration" if place == 0 else None
        panel.plot(row.psnrs_db, [place] * len(row.psnrs_db), "o", **look, label=label)  # type: ignore[arg-type]
        label = "the best one of the study, with its rank on the signal" if place == 0 else None
        panel.plot(row.psnr_db, place, "o", color=SERIES[0], markersize=6, zorder=4, label=label)
        panel.annotate(
            f"{row.rank} of {row.of}", (1, place), (4, 0), ("axes fraction", "data"),
            "offset points", size=SMALL - 1, color=QUIET, va="center",
        )  # fmt: skip
    panel.set_yticks(range(len(rows)), [shortened(row.name, 28) for row in rows], size=SMALL)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.grid(axis="x")


def _draw_boxes(panel: Axes, boxes: list[tuple[str, list[float]]]) -> None:
    line = {"color": INK, "linewidth": 0.9}
    panel.boxplot(
        [psnrs for _, psnrs in boxes], orientation="horizontal", positions=range(len(boxes)),
        widths=0.55, medianprops=line | {"color": SERIES[0], "linewidth": 1.6}, boxprops=line,
        whiskerprops=line, capprops=line, flierprops={"markersize": 3, "markeredgecolor": QUIET},
    )  # fmt: skip
    panel.set_yticks(range(len(boxes)), [shortened(name, 28) for name, _ in boxes], size=SMALL)
    panel.set_ylim(len(boxes) - 0.4, -0.6)
    panel.set_xlabel("PSNR (dB)")
    panel.grid(axis="x")
