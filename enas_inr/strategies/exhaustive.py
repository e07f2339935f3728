"""Exhaustive search, the reference with which other strategies are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from enas_inr.cost import FeasibleSpace
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import Configuration
from enas_inr.strategies.base import Strategy, one_comparison, unseen
from enas_inr.strategies.options import ExhaustiveOptions, RaceOptions
from enas_inr.strategies.race import Race
from enas_inr.strategies.racing import can_race


@final
class Exhaustive(Strategy):
    """Trains all feasible configurations, beginning with the cheapest; or lets them race."""

    def __init__(
        self, space: FeasibleSpace, options: ExhaustiveOptions = ExhaustiveOptions()
    ) -> None:
        self._candidates = sorted(space.feasible, key=lambda c: (c.cost.flops, c.cost.parameters))
        rules = options.model_dump(exclude={"racing"})
        entered = len(self._candidates)
        racing = can_race(space, options.racing)
        self._race = Race(space, RaceOptions(**rules, configurations=entered)) if racing else None

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """The cheapest ones not yet trained, or what is left of the current round."""
        if self._race:
            return self._race.propose(history, pending, n)
        return unseen(self._candidates, history, pending, n)

    def rounds(self) -> int:
        """Return how often a configuration can be trained."""
        return self._race.rounds() if self._race else 1

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """One comparison of all, or the rounds of the race."""
        return self._race.trace(history) if self._race else one_comparison(history)
