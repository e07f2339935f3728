"""The comparison of two studies of one signal within the same budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from enas_inr.errors import BudgetError, StudyError
from enas_inr.reports.rows import psnr_gain
from enas_inr.reports.statistics import Difference, Estimate
from enas_inr.result import TrialResult, best_of, compared
from enas_inr.spec.budget import amount, text_of
from enas_inr.studies.record import StudyRecord


@dataclass(frozen=True)
class Pair:
    """Two complete trials."""

    first: TrialResult
    second: TrialResult

    @property
    def difference(self) -> Difference | None:
        """The mean PSNR in dB of the second minus that of the first, by Welch's t-test."""
        return psnr_gain(self.first, self.second)

    def to_dict(self) -> dict[str, Any]:
        """Return the values for a JSON file."""
        difference = self.difference
        return {
            "first": _side(self.first),
            "second": _side(self.second),
            "difference_db": difference and difference.mean,
            "half_width_db": difference and difference.half_width,
            "p": difference and difference.p,
            "significant": bool(difference and difference.significant),
        }


@dataclass(frozen=True)
class Comparison:
    """Two studies compared.

    Attributes:
        limits: the common budget, which is the lower of the limits, by the name of the cost.
        best: the winner of each study within it.
        shared: architectures that both studies have trained, the cheapest first.
    """

    first: StudyRecord
    second: StudyRecord
    limits: dict[str, float]
    best: Pair
    shared: tuple[Pair, ...]

    def verdict(self) -> str:
        """Return the conclusion in one line."""
        difference = self.best.difference
        if difference is None or difference.p is None:
            return "too few repeats, or no spread between them: no significance test"
        if not difference.significant:
            return f"no significant difference in PSNR (Welch's t-test, p = {difference.p:.2g})"
        ratio = self.best.second.trial.cost.flops / self.best.first.trial.cost.flops
        better = f"B ({self.second.name})"
        if difference.mean < 0:
            ratio, better = 1 / ratio, f"A ({self.first.name})"
        return (
            f"{better} has {abs(difference.mean):.2f} dB more PSNR, at {ratio:.3g} times the FLOPs "
            f"(95% interval ± {difference.half_width:.2f}, Welch's t-test, p = {difference.p:.2g})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the values for a JSON file."""
        return {
            "first": self.first.name,
            "second": self.second.name,
            "budget": self.limits,
            "best": self.best.to_dict(),
            "shared": [pair.to_dict() for pair in self.shared],
            "differences_in_settings": self.first.spec.differences(self.second.spec),
            "verdict": self.verdict(),
        }


def compare(first: StudyRecord, second: StudyRecord) -> Comparison:
    """Compare two studies of one signal within the budget that both kept.

    Raises:
        StudyError: the signals differ, or a study has no complete trial.
        BudgetError: a study has no trial within the common budget.
    """
    signals = [study.spec.signal for study in (first, second)]
    if signals[0].identity != signals[1].identity:
        raise StudyError(
            f"{first.name!r} is of {signals[0].name!r}, {second.name!r} of {signals[1].name!r}",
            "compare studies of one signal, read in the same way",
        )
    limits = _common_limits(first, second)
    winners = [_winner(study, limits) for study in (first, second)]
    known = {r.key: r for r in second.results if r.psnr_db is not None}
    shared = [
        Pair(result, known[result.key])
        for result in sorted(first.results, key=lambda r: r.trial.cost.flops)
        if result.psnr_db is not None and result.key in known
    ]
    return Comparison(first, second, limits, Pair(*winners), tuple(shared))


def _side(result: TrialResult) -> dict[str, Any]:
    psnr = Estimate.of(result.psnr_db_repeats)
    return {
        "architecture": result.trial.ensemble.model_dump(mode="json"),
        **result.trial.cost.model_dump(),
        "psnr_db": psnr and psnr.mean,
        "psnr_half_width_db": psnr and psnr.half_width,
        "repeats": len(result.repeats),
        "score": result.score,
    }


def _common_limits(*studies: StudyRecord) -> dict[str, float]:
    limits: dict[str, float] = {}
    for study in studies:
        for name, limit in study.spec.budget.limits(study.spec.signal.samples).items():
            limits[name] = min(limit, limits.get(name, limit))
    return limits


def _winner(study: StudyRecord, limits: dict[str, float]) -> TrialResult:
    complete = [r for r in compared(study.results, study.trace) if r.score is not None]
    if not complete:
        raise StudyError(f"study {study.name!r} has no complete trial", "continue the search first")
    within = [
        result
        for result in complete
        if all(amount(result.trial.cost, name) <= limit for name, limit in limits.items())
    ]
    best = best_of(within)
    if best is None:
        told = ", ".join(text_of(name, value) for name, value in limits.items())
        raise BudgetError(
            f"no trial of study {study.name!r} is within the budget of both, {told}",
            "compare studies whose budgets overlap",
        )
    return best
