"""Values of several objectives, and their Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal

from enas_inr.result.trial import TrialResult
from enas_inr.spec import Cost
from enas_inr.spec.budget import MAXIMISED

__all__ = ["directions", "objective_values", "pareto_front"]

SCORE = ("score",)
"""The objectives of a study for which none are given."""


def directions(objectives: Sequence[str]) -> list[Literal["maximize", "minimize"]]:
    """Return Optuna's `maximize` or `minimize` for each objective (by default the score)."""
    return ["maximize" if MAXIMISED[name] else "minimize" for name in objectives or SCORE]


def objective_values(result: TrialResult, objectives: Sequence[str]) -> tuple[float, ...] | None:
    """Return the value of each objective (by default the score), or None if it is incomplete."""
    if result.score is None:
        return None
    values = [_MEASURED[name](result) for name in objectives or SCORE]
    return None if None in values else tuple(float(value) for value in values)


_MEASURED: Mapping[str, Callable[[TrialResult], Any]] = MappingProxyType(
    {
        "psnr": attrgetter("psnr_db"),
        "score": attrgetter("score"),
        **{name: attrgetter(f"trial.cost.{name}") for name in Cost.model_fields},
    }
)


def pareto_front(
    results: Iterable[TrialResult], objectives: Sequence[str]
) -> tuple[TrialResult, ...]:
    """Return the Pareto front of the complete trials, sorted by FLOPs; empty without objectives.

    A trial is on the front unless another one is at least as good in every objective and better in
    one.
    """
    if not objectives:
        return ()
    signs = [1 if MAXIMISED[name] else -1 for name in objectives]
    gains = [
        ([sign * value for sign, value in zip(signs, values, strict=True)], result)
        for result in results
        if (values := objective_values(result, objectives)) is not None
    ]
    front: list[tuple[list[float], TrialResult]] = []
    # What dominates a trial comes before it in this order, and is dominated by the front at most.
    for gain, result in sorted(gains, key=lambda pair: pair[0], reverse=True):
        if not any(_dominates(other, gain) for other, _ in front):
            front.append((gain, result))
    found = (result for _, result in front)
    return tuple(sorted(found, key=lambda r: (r.trial.cost.flops, r.trial.number)))


def _dominates(one: list[float], other: list[float]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))
