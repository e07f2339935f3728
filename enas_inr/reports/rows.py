"""The table of a report: one row for each architecture of each study."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from enas_inr.reports.statistics import Difference, Estimate
from enas_inr.result import TrialResult, TrialStatus, best_of
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import Published, Report, StudyRecord


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
        passes: the first step kept (about every hundredth of them) at which its mean learning
            curve is above the baseline's PSNR; None if it never is, and without a baseline.
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
            "profile": trial.training.profile,
            "steps": trial.training.steps,
            "learning_rate": trial.training.learning_rate,
            "seed": trial.seed,
            "repeats": len(self.result.repeats),
            "psnr_db": self.result.psnr_db,
            "psnr_low_db": low,
            "psnr_high_db": high,
            "psnr_std_db": self.result.psnr_std_db if self.psnr and self.psnr.count > 1 else None,
            "psnr_db_repeats": psnr_values(self.result),
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
    fronts = _fronts(report)
    made = []
    for study in report.studies:
        best = best_of(study.results)
        base = _baseline(report, study)
        order = {key: place for place, key in enumerate(study.names)}
        ranked = sorted(
            study.results,
            key=lambda r: (
                order.get(r.key, len(order)),
                r.trial.cost.flops,
                r.trial.cost.parameters,
            ),
        )
        for result in ranked:
            name = study.name_of(result)
            other = base[1] if base and base[1] is not result else None
            made.append(
                Row(
                    study=study,
                    result=result,
                    name=name,
                    psnr=Estimate.of(psnr_values(result)),
                    best=result is best and len(ranked) > 1,
                    front=id(result) in fronts,
                    gain=Difference.of(psnr_values(other), psnr_values(result)) if other else None,
                    passes=_passing_step(result, other) if other else None,
                    published=study.published.get(name),
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


def _baseline(report: Report, study: StudyRecord) -> tuple[StudyRecord, TrialResult] | None:
    """The row of that name on the same signal: in this study, else in another; complete ones first.

    None also if no row is to be the baseline.
    """
    if report.baseline is None:
        return None
    same = [s for s in report.studies if s.spec.signal.identity == study.spec.signal.identity]
    named = [
        (candidate, result)
        for candidate in [study, *same]
        for result in candidate.results
        if candidate.name_of(result) == report.baseline
    ]
    complete = [pair for pair in named if pair[1].status is TrialStatus.COMPLETE]
    return next(iter(complete or named), None)


def _passing_step(result: TrialResult, base: TrialResult) -> int | None:
    final = base.psnr_db
    if final is None:
        return None
    counted = min((repeat.steps for repeat in result.repeats), default=0)
    return next((s for s, psnr in mean_curve(result) if psnr > final and s <= counted), None)


def _fronts(report: Report) -> set[int]:
    """The `id`s of the trials that no other on the same signal beats in both PSNR and FLOPs."""
    by_signal: dict[object, list[tuple[int, float, TrialResult]]] = {}
    for study in report.studies:
        for result in study.results:
            if (psnr := result.psnr_db) is not None:
                known = by_signal.setdefault(study.spec.signal.identity, [])
                known.append((result.trial.cost.flops, -psnr, result))
    front = set()
    for known in by_signal.values():
        highest, reached_at = -math.inf, -1
        for flops, loss, result in sorted(known, key=lambda entry: entry[:2]):
            if -loss > highest or (-loss == highest and flops == reached_at):
                highest, reached_at = -loss, flops
                front.add(id(result))
    return front
