"""The rows of a report: one for each architecture of each study."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from enas_inr.reports.statistics import Difference, Estimate
from enas_inr.result import TrialResult, TrialStatus, best_of, compared, pareto_front
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import Published, Report, StudyRecord


@dataclass(frozen=True)
class Row:
    """One architecture.

    Attributes:
        study: study of the trial.
        result: result of the trial.
        name: name of the architecture.
        psnr: PSNR in dB over the repeats; None unless the trial is complete.
        best: whether the row has the best score of its study.
        front: whether no other row of its signal has both more PSNR and fewer FLOPs.
        gain: PSNR minus that of the baseline; None for the baseline, and without one.
        passes: the first step kept (about every hundredth of them) at which its mean learning
            curve is above the baseline's PSNR; None if it never is, and without a baseline.
        published: the values of a paper.
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
        """The name of the row, with that of its study if there are several."""
        return f"{self.study.label}: {self.name}" if self.study.label else self.name

    @property
    def curve(self) -> list[tuple[int, float]]:
        """The learning curve, step and usual PSNR in dB: the mean over the repeats."""
        return _curve(self.result)

    @property
    def difference_db(self) -> float | None:
        """Ours minus the paper's; None if one is unknown."""
        known = self.published.psnr_paper_db if self.published else None
        ours = self.result.psnr_paper_db
        return None if known is None or ours is None else ours - known

    def to_dict(self) -> dict[str, Any]:
        """Return the row as it is written to a CSV or JSON file."""
        spec, trial = self.result.trial.ensemble, self.result.trial
        low, high = self.psnr.interval if self.psnr else (None, None)
        known = self.published or Published()
        return {
            "signal": self.study.spec.about_text,
            "study": self.study.name,
            "group": self.study.label,
            "name": self.name,
            "status": self.result.status.value,
            "backbone": spec.backbone,
            "options": spec.options,
            **spec.sizes(),
            "recipe": trial.recipe,
            **trial.cost.model_dump(),
            "profile": trial.training.profile,
            "steps": trial.training.steps,
            "learning_rate": self.result.learning_rate or trial.training.learning_rate,
            "seed": trial.seed,
            "repeats": len(self.result.repeats),
            "trained": self.result.amount,
            "psnr_db": self.result.psnr_db,
            "psnr_low_db": low,
            "psnr_high_db": high,
            "psnr_std_db": self.result.psnr_std_db if self.psnr and self.psnr.count > 1 else None,
            "psnr_db_repeats": self.result.psnr_db_repeats,
            "psnr_paper_db": self.result.psnr_paper_db,
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
            **self._of_set(),
        }

    def _of_set(self) -> dict[str, Any]:
        """The PSNR on each signal of a set; nothing for a study of one signal."""
        spec, over = self.study.spec, self.result.over
        if not spec.signals:
            return {}
        known = over.signals if over else ()
        psnrs = {spec.signals[n.signal].name: n.psnr_paper_db + PSNR_OFFSET_DB for n in known}
        spread = over.spread_db if over else None
        return {"psnr_spread_db": spread, "psnr_db_signals": psnrs}


@dataclass(frozen=True)
class Group:
    """The rows of one signal."""

    signal: str
    rows: tuple[Row, ...]

    @property
    def labelled(self) -> bool:
        """Whether studies have several labels, so that names alone are ambiguous."""
        return len({row.study.label for row in self.rows}) > 1


@dataclass(frozen=True)
class Results:
    """A report and its rows, which are computed once.

    Attributes:
        report: the report.
        rows: the rows of all studies.
    """

    report: Report
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, report: Report) -> Results:
        """Compute the rows of a report."""
        return cls(report, tuple(rows(report)))

    @property
    def groups(self) -> list[Group]:
        """The rows of each signal, in the order of the studies."""
        found: dict[object, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.study.spec.about, []).append(row)
        return [Group(of[0].study.spec.about_text, tuple(of)) for of in found.values()]


def rows(report: Report) -> list[Row]:
    """Return all trials of all studies, ordered as architectures were named, then by FLOPs."""
    fronts = _fronts(report)
    return [row for study in report.studies for row in _rows(report, study, fronts)]


def psnr_gain(base: TrialResult, result: TrialResult) -> Difference | None:
    """Return the difference of two PSNRs; None unless both trials are complete."""
    return Difference.of(base.psnr_db_repeats, result.psnr_db_repeats)


def _rows(report: Report, study: StudyRecord, fronts: set[int]) -> Iterable[Row]:
    best = best_of(compared(study.results, study.trace))
    chosen = (best.key, best.status) if best and len(study.results) > 1 else None
    base = _baseline(report, study)
    order = {key: place for place, key in enumerate(study.names)}

    def place(result: TrialResult) -> tuple[int, int, int]:
        cost = result.trial.cost
        return order.get(result.key, len(order)), cost.flops, cost.parameters

    for result in sorted(study.results, key=place):
        name = study.name_of(result)
        other = None if base is result else base
        yield Row(
            study=study,
            result=result,
            name=name,
            psnr=Estimate.of(result.psnr_db_repeats),
            best=(result.key, result.status) == chosen,
            front=id(result) in fronts,
            gain=psnr_gain(other, result) if other else None,
            passes=_passing_step(result, other) if other else None,
            published=study.published.get(name),
        )


def _baseline(report: Report, study: StudyRecord) -> TrialResult | None:
    """Return the baseline on the same signal, from this study if possible; complete ones first.

    None if there is no such row, or the report has no baseline.
    """
    if report.baseline is None:
        return None
    same = [s for s in report.studies if s.spec.about == study.spec.about]
    named = [
        result
        for candidate in [study, *same]
        for result in candidate.results
        if candidate.name_of(result) == report.baseline
    ]
    complete = [result for result in named if result.status is TrialStatus.COMPLETE]
    return next(iter(complete or named), None)


def _curve(result: TrialResult) -> list[tuple[int, float]]:
    return [(step, psnr + PSNR_OFFSET_DB) for step, psnr in result.curve.mean().items()]


def _passing_step(result: TrialResult, base: TrialResult) -> int | None:
    final = base.psnr_db
    if final is None:
        return None
    counted = min((repeat.steps for repeat in result.repeats), default=0)
    return next((s for s, psnr in _curve(result) if psnr > final and s <= counted), None)


def _fronts(report: Report) -> set[int]:
    """Return the `id`s of the trials on the front of PSNR and FLOPs of their signal."""
    by_signal: dict[object, list[TrialResult]] = {}
    for study in report.studies:
        by_signal.setdefault(study.spec.about, []).extend(study.results)
    found = [pareto_front(results, ("psnr", "flops")) for results in by_signal.values()]
    return {id(result) for front in found for result in front}
