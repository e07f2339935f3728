"""Charts of the course of a training and of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from enas_inr.reports.figures.charts import (
    ALONE,
    LABELS,
    WIDTH,
    Style,
    add_legend,
    details_of,
    panels,
    write_beside,
)
from enas_inr.reports.figures.drawing import INK, QUIET, db_text, new_figure, settle, styled
from enas_inr.reports.rows import Results, Row
from enas_inr.result import TrialResult
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.spec.architecture import AXIS_LETTERS
from enas_inr.studies.record import StudyRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Point = tuple[int, float, TrialResult]
_MOST_CURVES = 10
_MOST_NAMES = 12
_MOST_TICKS = 16


@styled()
def curves_figure(results: Results, width: float = WIDTH) -> Figure | None:
    """Draw learning curves: at each step the mean PSNR over the repeats, the least and the most.

    At most ten curves are drawn: the best of each study, or the best ten of a single study. The
    baseline's final PSNR is a dashed line.

    Args:
        results: the results to draw.
        width: width of the figure in inches.

    Returns:
        The figure; None if no trial has a curve of two steps.
    """
    chosen = _chosen(results.rows)
    if not chosen:
        return None
    labelled = any(group.labelled for group in results.groups)
    texts = {id(row): row.label if labelled else row.name for row in chosen}
    styles = {text: Style.number(i) for i, text in enumerate(dict.fromkeys(texts.values()))}
    shown = [group for group in results.groups if any(id(row) in texts for row in group.rows)]
    bands = any(len(row.result.repeats) > 1 for row in chosen)
    text = "mean over the repeats; light: from the least to the most" if bands else ""
    names, details = [group.signal for group in shown], details_of(results.report, text)
    figure, made = panels("Learning curves", details, names, ("step", LABELS["psnr"]), width)
    for panel, group in zip(made, shown, strict=True):
        for row in group.rows:
            if id(row) in texts:
                _draw_curve(panel, row, texts[id(row)], styles[texts[id(row)]])
        for row in group.rows:
            if row.name == results.report.baseline and row.result.psnr_db is not None:
                _draw_baseline(panel, row.result.psnr_db, f"{row.name}, final")
        panel.margins(x=0.02)
    add_legend(figure)
    settle(figure)
    return figure


@styled()
def trace_figure(results: Results, width: float = WIDTH) -> Figure | None:
    """Draw PSNR and score of the choice of each decision of a search, a line for each study.

    Args:
        results: the results to draw.
        width: width of the figure in inches.

    Returns:
        The figure; None if no study's strategy searched along axes.
    """
    studies = [s for s in results.report.studies if any(step.axis for step in s.trace)]
    if not studies:
        return None
    alone = len(studies) == 1
    text = "what each decision chose; a decision is a search along one axis"
    figure = new_figure(width, ALONE, "Search trace", details_of(results.report, text))
    made = figure.subplots(2, 1, sharex=True)
    for panel, value in zip(made, ("psnr_db", "score"), strict=True):
        for index, (study, name) in enumerate(zip(studies, _study_names(studies), strict=True)):
            style, (chosen, compared) = Style.number(index), _points(study, value)
            look: dict[str, Any] = {"color": style.color, "marker": style.marker, "ls": style.line}
            panel.plot(*_columns(chosen), **look, markersize=5, lw=1.4, mew=0, zorder=3, label=name)
            if alone:
                dots = _columns(compared)
                panel.plot(*dots, ".", color=QUIET, markersize=4, zorder=2, label="compared")
        panel.grid()
        panel.margins(0.06, 0.25)
    made[0].set_ylabel(LABELS["psnr"])
    made[1].set(xlabel="decision: iteration and axis", ylabel=LABELS["score"])
    _label_decisions(made[1], studies, int(_MOST_TICKS * width / WIDTH))
    add_legend(figure)
    settle(figure)
    if alone and len(studies[0].trace) <= _MOST_NAMES:
        _name_choices(made[0], studies[0])
    return figure


def _study_names(studies: list[StudyRecord]) -> list[str]:
    if len(studies) == 1:
        return ["chosen"]
    if len({study.label for study in studies}) == len(studies):
        return [study.label or study.name for study in studies]
    return [f"{study.label} {study.spec.signal.name}".strip() for study in studies]


def _chosen(every: Sequence[Row]) -> list[Row]:
    """Return the rows whose curves are drawn, in their order."""
    drawn = [row for row in every if row.result.psnr_db is not None and len(row.curve) > 1]
    kept = [row for row in drawn if row.best]
    if len({row.study.name for row in drawn}) == 1 or not kept:
        kept = drawn
    ranked = sorted(kept, key=lambda row: row.result.rank, reverse=True)[:_MOST_CURVES]
    few = {id(row) for row in (drawn if len(drawn) <= _MOST_CURVES else ranked)}
    return [row for row in drawn if id(row) in few]


def _draw_curve(panel: Axes, row: Row, label: str, style: Style) -> None:
    steps, mean = zip(*row.curve, strict=True)
    panel.plot(steps, mean, style.line, color=style.color, linewidth=1.4, zorder=3, label=label)
    curve = row.result.curve
    if len(curve.psnr_paper_db) > 1:
        columns = dict(zip(curve.steps, zip(*curve.psnr_paper_db, strict=True), strict=True))
        known = [[v + PSNR_OFFSET_DB for v in columns[step] if v is not None] for step in steps]
        low, high = [min(values) for values in known], [max(values) for values in known]
        panel.fill_between(steps, low, high, color=style.color, alpha=0.18, linewidth=0, zorder=2)


def _draw_baseline(panel: Axes, psnr: float, label: str) -> None:
    panel.axhline(psnr, linestyle="--", color=INK, linewidth=0.9, zorder=1, label=label)
    panel.annotate(
        db_text(psnr), (0, psnr), (3, 2), panel.get_yaxis_transform(), "offset points", size=7.5
    )


def _points(study: StudyRecord, value: str) -> tuple[list[_Point], list[_Point]]:
    """Return the trials that each decision chose and compared, as (number from 1, value, trial)."""
    compared = [
        (index, known, result)
        for index, step in enumerate(study.trace, 1)
        for result in step.candidates
        if (known := getattr(result, value)) is not None
    ]
    return [p for p in compared if p[2].key == study.trace[p[0] - 1].choice], compared


def _columns(points: Sequence[_Point]) -> tuple[list[int], list[float]]:
    return [x for x, _, _ in points], [y for _, y, _ in points]


def _label_decisions(axes: Axes, studies: list[StudyRecord], most: int) -> None:
    """Name up to `most` decisions if all studies make the same ones, as far as each goes."""
    from matplotlib.ticker import MaxNLocator

    traces = [[f"{step.iteration} {step.axis}".strip() for step in s.trace] for s in studies]
    names = max(traces, key=len)
    if len(names) <= most and all(names[: len(trace)] == trace for trace in traces):
        axes.set_xticks(range(1, len(names) + 1), names)
    else:
        axes.set_xlabel("decision")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _name_choices(panel: Axes, study: StudyRecord) -> None:
    searched = {step.axis for step in study.trace}
    axes = [axis for axis in AXIS_LETTERS if axis in searched]
    named = [
        ((x, y), study.names.get(result.key) or result.trial.configuration.short_label(axes))
        for x, y, result in _points(study, "psnr_db")[0]
    ]
    write_beside(panel, named, sideways=False)
