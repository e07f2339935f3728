"""Exhaustive search, the reference with which other strategies are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from enas_inr.cost import FeasibleSpace
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import Configuration
from enas_inr.strategies.base import Strategy, one_comparison, unseen


@final
class Exhaustive(Strategy):
    """Trains all feasible configurations, beginning with the cheapest."""

    def __init__(self, space: FeasibleSpace) -> None:
        self._candidates = sorted(space.feasible, key=lambda c: (c.cost.flops, c.cost.parameters))

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """The cheapest ones not yet trained."""
        return unseen(self._candidates, history, pending, n)

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """One comparison of all."""
        return one_comparison(history)
