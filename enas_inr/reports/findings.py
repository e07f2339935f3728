"""The findings of a report in sentences, as certain as intervals and tests allow.

Tests are Welch's, one by one, not corrected for their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from enas_inr.reports.rows import Results, Row, psnr_gain
from enas_inr.reports.statistics import Difference
from enas_inr.result import TrialResult
from enas_inr.spec.architecture import AXIS_LETTERS
from enas_inr.studies.record import Report, StudyRecord

_FEWEST = 3  # values on a line, to say something about it
_MOST_LINES = 24  # of which each gets a sentence
_LARGER = {"width": "wider", "depth": "deeper"}


def findings(results: Results) -> list[str]:
    """Return sentences about sizes, searches, the baseline and the values of a paper."""
    report = results.report
    return [
        *(line for study in report.studies for axis in _LARGER for line in _sizes(study, axis)),
        *(line for study in report.studies for line in _search(study)),
        *_baseline(report, results.rows),
        *_published(results.rows),
    ]


def _sizes(study: StudyRecord, axis: str) -> Iterator[str]:
    """Say whether the largest is the best, on each line along which only this size changes."""

    def size(result: TrialResult) -> int:
        return result.trial.ensemble.sizes()[axis]

    def others(result: TrialResult) -> str:
        return result.trial.configuration.with_value(axis, 0).key()

    lines: dict[str, list[TrialResult]] = {}
    for result in study.results:
        if result.psnr_db is not None and result.fidelity.signals == 1:
            lines.setdefault(others(result), []).append(result)
    long = [sorted(of, key=size) for _, of in sorted(lines.items()) if len(of) >= _FEWEST]
    if len(long) > _MOST_LINES:
        yield _sizes_of_many(study, axis, long)
    told = [n for n, at in AXIS_LETTERS.items() if n != axis and f"{at}=" not in study.label]
    for line in long if len(long) <= _MOST_LINES else []:
        largest, best = line[-1], max(line, key=lambda result: result.psnr_db or 0.0)
        line_of = f"{_prefix(study)}{best.trial.configuration.short_label(told)}:"
        gain = psnr_gain(largest, best)
        ratio = largest.trial.cost.flops / best.trial.cost.flops
        if best is largest:
            if not any(step.axis for step in study.trace):  # of a search, that is not the point
                yield f"{line_of} the mean PSNR is the highest at the largest {axis}, {size(best)}"
        elif gain is not None and gain.significant:
            yield (
                f"{line_of} a {_LARGER[axis]} sub-network is not always better: {axis} "
                f"{size(best)} is {_told(gain)} dB above {axis} {size(largest)}, which costs "
                f"{ratio:.1f} times as much{_test(gain)}"
            )
        else:
            yield (
                f"{line_of} {axis} {size(largest)} costs {ratio:.1f} times as much as {axis} "
                f"{size(best)}, whose PSNR is {_told(gain)} dB higher{_test(gain)}"
            )


def _sizes_of_many(study: StudyRecord, axis: str, lines: Sequence[Sequence[TrialResult]]) -> str:
    """Say in one sentence on how many lines, ordered by their size, the largest is the best."""
    pairs = [(line[-1], max(line, key=lambda result: result.psnr_db or 0.0)) for line in lines]
    gains = [psnr_gain(largest, best) for largest, best in pairs if best is not largest]
    clear = sum(bool(gain and gain.significant) for gain in gains)
    return (
        f"{_prefix(study)}of {len(lines)} lines along which only the {axis} changes, the largest "
        f"has the highest mean PSNR on {len(lines) - len(gains)}, a smaller one on {len(gains)}, "
        f"on {clear} of these significantly (Welch's t-test)"
    )


def _search(study: StudyRecord) -> Iterator[str]:
    steps = [step for step in study.trace if step.axis]
    if not steps:
        return
    final = next((r for r in study.results if r.key == steps[-1].choice), None)
    found = next(i for i, step in enumerate(steps, 1) if step.choice == steps[-1].choice)
    if final is not None and final.psnr_db is not None:
        chosen = study.spec.space.label(final.trial.configuration)
        yield (
            f"{_prefix(study)}the search visited {len(study.results)} architectures in "
            f"{steps[-1].iteration} iterations; it chose {chosen} "
            f"({final.psnr_db:.2f} dB) in line search {found} of {len(steps)}, never beaten"
        )


def _baseline(report: Report, table: Sequence[Row]) -> Iterator[str]:
    for row in table:
        if row.gain is None:
            continue
        line = f"{row.label}: {_told(row.gain)} dB against {report.baseline}{_test(row.gain)}"
        if row.passes is not None:
            line += f"; passes its PSNR by step {row.passes}"
        yield line


def _published(table: Sequence[Row]) -> Iterator[str]:
    gaps = [row.difference_db for row in table if row.difference_db is not None]
    if gaps:
        yield f"against the published PSNR: {min(gaps):+.2f} to {max(gaps):+.2f} dB"
    printed = [
        row.published.flops == row.result.trial.cost.flops
        for row in table
        if row.published and row.published.flops is not None
    ]
    if printed:
        yield f"FLOPs equal to the published ones: {sum(printed)} of {len(printed)} rows"


def _prefix(study: StudyRecord) -> str:
    return f"{study.label}: " if study.label else ""


def _told(difference: Difference | None) -> str:
    return str(difference).lstrip("+") if difference else "?"


def _test(difference: Difference | None) -> str:
    if difference is None or difference.p is None:
        return " (no test: too few repeats, or no spread)"
    verdict = "" if difference.significant else ", not significant"
    return f" (Welch's t-test, p = {difference.p:.2g}{verdict})"
