"""What the numbers of a report say, in sentences: each with its interval or its test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from enas_inr.estimate import Difference
from enas_inr.reports.record import Report, StudyRecord
from enas_inr.reports.rows import Row, psnr_values, rows
from enas_inr.result import TrialResult

_FEWEST_WIDTHS = 3


def findings(report: Report) -> list[str]:
    """Sentences about widths, searches, the baseline and a paper's values, where there are any."""
    table = rows(report)
    return [
        *(line for study in report.studies for line in _widths(study)),
        *(line for study in report.studies for line in _search(study)),
        *_baseline(report, table),
        *_published(table),
    ]


def _widths(study: StudyRecord) -> Iterator[str]:
    """Whether the widest is the best, where only the width changes."""

    def rest(result: TrialResult) -> tuple[str, int, int, str]:
        spec = result.trial.ensemble
        return spec.backbone, spec.grid, spec.depth, str(spec.options)

    complete = [result for result in study.results if result.psnr_db is not None]
    for _, group in groupby(sorted(complete, key=rest), key=rest):
        line = sorted(group, key=lambda result: result.trial.ensemble.width)
        if len(line) < _FEWEST_WIDTHS:
            continue
        widest, best = line[-1], max(line, key=lambda result: result.psnr_db or 0.0)
        spec = best.trial.ensemble
        where = f"{_prefix(study)}M={spec.grid} d={spec.depth}: "
        if best is widest:
            yield f"{where}PSNR is the highest at the largest width tried, {spec.width}"
            continue
        lost = Difference.of(psnr_values(widest), psnr_values(best))
        yield (
            f"{where}a wider sub-network is not always better: w={spec.width} is "
            f"{_told(lost)} dB above w={widest.trial.ensemble.width}, which costs "
            f"{widest.trial.cost.flops / best.trial.cost.flops:.1f} times as much{_test(lost)}"
        )


def _search(study: StudyRecord) -> Iterator[str]:
    steps = [step for step in study.trace if step.axis]
    if not steps:
        return
    final = next((r for r in study.results if r.key == steps[-1].choice), None)
    found = next(i for i, step in enumerate(steps, 1) if step.choice == steps[-1].choice)
    if final is not None and final.psnr_db is not None:
        yield (
            f"{_prefix(study)}the search visited {len(study.results)} architectures in "
            f"{steps[-1].iteration} iterations; it found {final.trial.ensemble.label()} "
            f"({final.psnr_db:.2f} dB) in line search {found} and kept it to the end"
        )


def _baseline(report: Report, table: Sequence[Row]) -> Iterator[str]:
    for row in table:
        if row.gain is None:
            continue
        line = f"{row.label}: {_told(row.gain)} dB against {report.baseline}{_test(row.gain)}"
        if row.passes is not None:
            line += f"; passes its final PSNR by step {row.passes}"
        yield line


def _published(table: Sequence[Row]) -> Iterator[str]:
    gaps = [row.difference_db for row in table if row.difference_db is not None]
    if gaps:
        yield f"against the published PSNR: {min(gaps):+.2f} to {max(gaps):+.2f} dB"
    printed = [row for row in table if row.published and row.published.flops is not None]
    exact = [r for r in printed if r.published and r.published.flops == r.result.trial.cost.flops]
    if printed:
        yield f"FLOPs equal to the published ones: {len(exact)} of {len(printed)} rows"


def _prefix(study: StudyRecord) -> str:
    return f"{study.label}: " if study.label else ""


def _told(difference: Difference | None) -> str:
    return str(difference).lstrip("+") if difference else "?"


def _test(difference: Difference | None) -> str:
    if difference is None or difference.p is None:
        return ""
    verdict = "" if difference.significant else ", not significant"
    return f" (Welch's t-test, p = {difference.p:.2g}{verdict})"
