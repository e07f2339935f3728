"""Charts of what happens in the course of a training, and of a search."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from enas_inr.reports.figures.charts import (
    LETTERS,
    Group,
    Style,
    details_of,
    groups,
    panels,
    several_labels,
    write_beside,
)
from enas_inr.reports.figures.drawing import INK, QUIET, RULE, db_text, plain
from enas_inr.reports.rows import Row, mean_curve
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import Report, StudyRecord

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CURVES = 10
_MOST_NAMES = 12
_MOST_TICKS = 16


def curves_figure(report: Report) -> Figure | None:
    """Draw learning curves: mean PSNR over the repeats at each step, and from least to most.

    At most ten: of more, the best of each study, or of a single study its best. The baseline's
    final PSNR is a dashed line.

    Returns:
        The figure; None if no trial has a curve of two steps.
    """
    found = groups(report)
    chosen = _chosen([row for group in found for row in group.rows])
    if not chosen:
        return None
    labelled = several_labels(found)
    texts = {id(row): row.label if labelled else row.name for row in chosen}
    styles = {text: Style.number(i) for i, text in enumerate(dict.fromkeys(texts.values()))}
    shown = [
        (group, of)
        for group in found
        if (of := [row for row in group.rows if any(row is other for other in chosen)])
    ]
    bands = any(len(row.result.repeats) > 1 for row in chosen)
    text = "mean over the repeats; light: from the least to the most" if bands else ""
    figure, made = panels(
        "Learning curves",
        details_of(report, text),
        [group.signal for group, _ in shown],
        ("step", "PSNR (dB)"),
        _curve_entries(styles, report.baseline),
    )
    for panel, (group, of) in zip(made, shown, strict=True):
        for row in of:
            _draw_curve(panel, row.result, styles[texts[id(row)]])
        _draw_baseline(panel, group, report.baseline)
        panel.margins(x=0.02)
    return figure


def trace_figure(report: Report) -> Figure | None:
    """Draw PSNR and score of what each decision of a search chose, one line for each study.

    Returns:
        The figure; None if no study's strategy searched along axes.
    """
    studies = [s for s in report.studies if any(step.axis for step in s.trace)]
    if not studies:
        return None
    from matplotlib.lines import Line2D

    styles = [Style.number(index) for index in range(len(studies))]
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color=s.color, marker=s.marker, linestyle=s.line), name)
        for s, name in zip(styles, _study_names(studies), strict=True)
    ]
    if alone := len(studies) == 1:
        entries.append((Line2D([], [], color=QUIET, marker=".", linestyle="none"), "compared"))
    figure, (panel,) = panels(
        "Search trace",
        details_of(report, "what each decision chose; a decision is a search along one axis"),
        [""],
        ("decision: iteration and axis", "PSNR (dB)"),
        entries,
    )
    below = _split(panel)
    below.set_ylabel("score")
    plain(below)
    for axes, values in ((panel, _psnr), (below, _score)):
        for study, style in zip(studies, styles, strict=True):
            chosen = [(i, values(r)) for i, r in enumerate(_choices(study), 1) if r is not None]
            known = [(i, value) for i, value in chosen if value is not None]
            if alone:
                _draw_candidates(axes, study, values)
            if known:
                xs, ys = zip(*known, strict=True)
                axes.plot(
                    xs, ys, style.line, color=style.color, marker=style.marker, markersize=5,
                    linewidth=1.4, markeredgewidth=0, zorder=3,
                )  # fmt: skip
        axes.margins(0.06, 0.25)
    _label_decisions(below, studies)
    if alone:
        _name_choices(panel, studies[0])
    return figure


def _study_names(studies: list[StudyRecord]) -> list[str]:
    if len(studies) == 1:
        return ["chosen"]
    if len({study.label for study in studies}) == len(studies):
        return [study.label or study.name for study in studies]
    return [f"{study.label} {study.spec.signal.name}".strip() for study in studies]


def _chosen(every: list[Row]) -> list[Row]:
    """The rows whose curves are drawn, in their order."""
    drawn = [row for row in every if row.result.score is not None or row.result.psnr_db is not None]
    drawn = [row for row in drawn if len(mean_curve(row.result)) > 1]
    if len(drawn) <= _MOST_CURVES:
        return drawn
    kept = [row for row in drawn if row.best]
    if len({row.study.name for row in drawn}) == 1 or not kept:
        kept = drawn
    ranked = sorted(kept, key=lambda row: row.result.rank, reverse=True)[:_MOST_CURVES]
    return [row for row in drawn if any(row is other for other in ranked)]


def _draw_curve(panel: Axes, result: TrialResult, style: Style) -> None:
    mean = mean_curve(result)
    steps = [step for step, _ in mean]
    panel.plot(steps, [y for _, y in mean], style.line, color=style.color, linewidth=1.4, zorder=3)
    if len(result.curve.psnr_paper_db) < 2:
        return
    columns = dict(
        zip(result.curve.steps, zip(*result.curve.psnr_paper_db, strict=True), strict=True)
    )
    known = [[v + PSNR_OFFSET_DB for v in columns[step] if v is not None] for step in steps]
    panel.fill_between(
        steps,
        [min(values) for values in known],
        [max(values) for values in known],
        color=style.color,
        alpha=0.18,
        linewidth=0,
        zorder=2,
    )


def _draw_baseline(panel: Axes, group: Group, name: str | None) -> None:
    for row in group.rows:
        if name is not None and row.name == name and row.result.psnr_db is not None:
            panel.axhline(row.result.psnr_db, linestyle="--", color=INK, linewidth=0.9, zorder=1)
            panel.annotate(
                db_text(row.result.psnr_db), (0, row.result.psnr_db), (3, 2),
                xycoords=panel.get_yaxis_transform(), textcoords="offset points",
                verticalalignment="bottom", fontsize=7.5, color=INK,
            )  # fmt: skip


def _curve_entries(styles: dict[str, Style], baseline: str | None) -> list[tuple[Artist, str]]:
    from matplotlib.lines import Line2D

    made: list[tuple[Artist, str]] = [
        (Line2D([], [], color=s.color, linestyle=s.line), text) for text, s in styles.items()
    ]
    if baseline is not None:
        dashed = Line2D([], [], color=INK, linestyle="--", linewidth=0.9)
        made.append((dashed, f"{baseline}, final"))
    return made


def _split(panel: Axes) -> Axes:
    """Halve a panel: it keeps the upper half, the lower one is returned."""
    figure = panel.get_figure()
    assert figure is not None
    left, bottom, width, height = panel.get_position().bounds
    half = 0.47 * height
    panel.set_position((left, bottom + height - half, width, half))
    below = figure.add_axes((left, bottom, width, half), sharex=panel)
    below.set_xlabel(panel.get_xlabel())
    below.grid(color=RULE, linewidth=0.4, alpha=0.6)
    panel.set_xlabel("")
    panel.tick_params(labelbottom=False)
    return below


def _choices(study: StudyRecord) -> list[TrialResult | None]:
    return [_choice(step) for step in study.trace]


def _choice(step: TraceStep) -> TrialResult | None:
    return next((r for r in step.candidates if r.key == step.choice), None)


def _psnr(result: TrialResult) -> float | None:
    return result.psnr_db


def _score(result: TrialResult) -> float | None:
    return result.score


def _draw_candidates(
    axes: Axes, study: StudyRecord, values: Callable[[TrialResult], float | None]
) -> None:
    points = [
        (i, value)
        for i, step in enumerate(study.trace, 1)
        for result in step.candidates
        if (value := values(result)) is not None
    ]
    if points:
        axes.scatter(
            [x for x, _ in points], [y for _, y in points], s=9, color=QUIET, linewidths=0, zorder=2
        )


def _label_decisions(axes: Axes, studies: list[StudyRecord]) -> None:
    """Name the decisions if they are the same in all studies as far as each goes."""
    from matplotlib.ticker import MaxNLocator

    longest = max((study.trace for study in studies), key=len)
    names = [f"{step.iteration} {step.axis}".strip() for step in longest]
    same = all(
        (one.iteration, one.axis) == (other.iteration, other.axis)
        for study in studies
        for one, other in zip(study.trace, longest, strict=False)
    )
    if same and len(names) <= _MOST_TICKS:
        axes.set_xticks(range(1, len(names) + 1), names)
    else:
        axes.set_xlabel("decision")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _name_choices(panel: Axes, study: StudyRecord) -> None:
    points = [
        (float(i), float(psnr))
        for i, step in enumerate(study.trace, 1)
        for r in step.candidates
        if (psnr := r.psnr_db) is not None
    ]
    if not points or len(study.trace) > _MOST_NAMES:
        return
    searched = {step.axis for step in study.trace}
    axes = [axis for axis in LETTERS if axis in searched]
    keys = {
        (float(i), r.psnr_db): study.names.get(r.key)
        or " ".join(f"{LETTERS[axis]}={r.trial.ensemble.sizes()[axis]}" for axis in axes)
        for i, r in enumerate(_choices(study), 1)
        if r is not None
    }
    line = [(float(i), r.psnr_db) for i, r in enumerate(_choices(study), 1) if r and r.psnr_db]
    write_beside(panel, points, [keys.get(point) for point in points], [line], sideways=False)
