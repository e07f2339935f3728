"""The table of a report: one row for each architecture of each study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from enas_inr.estimate import Difference, Estimate
from enas_inr.reports.record import Published, Report, StudyRecord
from enas_inr.result import TrialResult, TrialStatus, best_of
from enas_inr.spec import PSNR_OFFSET_DB


@dataclass(frozen=True)
class Row:
    """One architecture.

    Attributes:
        study: of the trial.
        result: the trial.
        name: of the architecture.
        psnr: in dB, over the repeats; None unless the trial is complete.
        best: whether it has its study's best score.
        front: whether no other row of its signal has both more PSNR and fewer FLOPs.
        gain: its PSNR minus the baseline's; None for the baseline, and without one.
        passes: the step at which its mean learning curve passes the baseline's final PSNR; None
            if it never does, and without a baseline.
        published: what a paper says about it.
    """

    study: StudyRecord
    result: TrialResult
    name: str
    psnr: Estimate | None
    best: bool
    front: bool
    gain: Difference | None = None
    passes: int | None = None
    published: Published | None = None

    @property
    def label(self) -> str:
        """Its name, after its study's where there are several."""
        return f"{self.study.label}: {self.name}" if self.study.label else self.name

    @property
    def psnr_paper_db(self) -> float | None:
        """The mean, in the paper's convention."""
        return self.result.psnr_paper_db

    @property
    def difference_db(self) -> float | None:
        """Ours minus the paper's; None if one is unknown."""
        known = self.published.psnr_paper_db if self.published else None
        ours = self.psnr_paper_db
        return None if known is None or ours is None else ours - known

    def to_dict(self) -> dict[str, Any]:
        """Its line in a CSV or JSON file."""
        spec, trial = self.result.trial.ensemble, self.result.trial
        low, high = self.psnr.interval if self.psnr else (None, None)
        known = self.published or Published()
        return {
            "signal": self.study.spec.signal.name,
            "study": self.study.name,
            "group": self.study.label,
            "name": self.name,
            "status": self.result.status.value,
            "backbone": spec.backbone,
            "options": spec.options,
            **spec.sizes(),
            **trial.cost.model_dump(),
            "steps": trial.training.steps,
            "repeats": len(self.result.repeats),
            "psnr_db": self.result.psnr_db,
            "psnr_low_db": low,
            "psnr_high_db": high,
            "psnr_std_db": self.result.psnr_std_db,
            "psnr_paper_db": self.psnr_paper_db,
            "published_psnr_db": known.psnr_paper_db,
            "difference_db": self.difference_db,
            "published_flops": known.flops,
            "score": self.result.score,
            "best": self.best,
            "front": self.front,
            "gain_db": self.gain.mean if self.gain else None,
            "gain_p": self.gain.p if self.gain else None,
            "passes_baseline_at_step": self.passes,
            "seconds": round(self.result.seconds, 3),
            "device": self.result.device,
            "message": self.result.message,
        }


def rows(report: Report) -> list[Row]:
    """All trials of all studies, in the order in which architectures were named, else of FLOPs."""
    made = []
    for study in report.studies:
        signal = study.spec.signal
        rivals = [
            r for s in report.studies if s.spec.signal.fingerprint == signal.fingerprint
            for r in s.results
        ]  # fmt: skip
        best = best_of(study.results)
        base = _baseline(report, study)
        order = list(study.names)
        ranked = sorted(
            study.results,
            key=lambda r: (
                order.index(r.key) if r.key in study.names else len(order),
                r.trial.cost.flops,
                r.trial.cost.parameters,
            ),
        )
        for result in ranked:
            name = study.name_of(result)
            is_base = base is not None and result.key == base.key and result in study.results
            made.append(
                Row(
                    study=study,
                    result=result,
                    name=name,
                    psnr=Estimate.of(psnr_values(result)),
                    best=best is not None and result.key == best.key and len(ranked) > 1,
                    front=not any(_dominates(other, result) for other in rivals),
                    gain=None
                    if base is None or is_base
                    else Difference.of(psnr_values(base), psnr_values(result)),
                    passes=None if base is None or is_base else _passing_step(result, base),
                    published=report.published.get(name),
                )
            )
    return made


def psnr_values(result: TrialResult) -> list[float]:
    """The usual PSNR in dB of each repeat of a complete trial."""
    if result.status is not TrialStatus.COMPLETE:
        return []
    return [repeat.psnr_db for repeat in result.repeats if repeat.psnr_db is not None]


def mean_curve(result: TrialResult) -> list[tuple[int, float]]:
    """The learning curve, step and usual PSNR in dB: the mean over the repeats."""
    columns = zip(*result.curve.psnr_paper_db, strict=True)
    return [
        (step, sum(known) / len(known) + PSNR_OFFSET_DB)
        for step, column in zip(result.curve.steps, columns, strict=True)
        if len(known := [value for value in column if value is not None]) == len(column)
    ]


def _baseline(report: Report, study: StudyRecord) -> TrialResult | None:
    """The row of that name on the same signal: in this study, else in another."""
    same = [s for s in report.studies if s.spec.signal.fingerprint == study.spec.signal.fingerprint]
    for candidate in [study, *same]:
        for result in candidate.results:
            if report.baseline is not None and candidate.name_of(result) == report.baseline:
                return result
    return None


def _passing_step(result: TrialResult, base: TrialResult) -> int | None:
    final = base.psnr_db
    if final is None:
        return None
    return next((step for step, psnr in mean_curve(result) if psnr > final), None)


def _dominates(one: TrialResult, other: TrialResult) -> bool:
    if other.psnr_db is None:
        return True
    if one.psnr_db is None:
        return False
    gains = (one.psnr_db - other.psnr_db, other.trial.cost.flops - one.trial.cost.flops)
    return min(gains) >= 0 and max(gains) > 0
