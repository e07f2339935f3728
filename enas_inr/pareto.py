"""Several objectives at once: their values, their directions, and the Pareto front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from enas_inr.result import TrialResult
from enas_inr.spec import MAXIMISED

SCORE = ("score",)
"""The objectives of a study that names none."""


def directions(objectives: Sequence[str]) -> list[Literal["maximize", "minimize"]]:
    """`maximize` or `minimize` for each objective, in Optuna's words; for none: of the score."""
    return ["maximize" if MAXIMISED[name] else "minimize" for name in objectives or SCORE]


def objective_values(result: TrialResult, objectives: Sequence[str]) -> tuple[float, ...] | None:
    """The value of each objective (for none: the score); None unless the trial is complete."""
    measured = {
        "psnr": result.psnr_db,
        "score": result.score,
        **result.trial.cost.model_dump(),
    }
    values = [measured[name] for name in objectives or SCORE]
    if result.score is None or None in values:
        return None
    return tuple(float(value) for value in values)


def pareto_front(
    results: Iterable[TrialResult], objectives: Sequence[str]
) -> tuple[TrialResult, ...]:
    """The complete trials that no other dominates, by FLOPs; none without objectives.

    A trial dominates another if it is at least as good in every objective and better in one.
    """
    if not objectives:
        return ()
    signs = [1 if MAXIMISED[name] else -1 for name in objectives]
    gains = [
        (result, [sign * value for sign, value in zip(signs, values, strict=True)])
        for result in results
        if (values := objective_values(result, objectives)) is not None
    ]
    front = [
        result for result, gain in gains if not any(_dominates(other, gain) for _, other in gains)
    ]
    return tuple(sorted(front, key=lambda r: (r.trial.cost.flops, r.trial.number)))


def _dominates(one: list[float], other: list[float]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))
