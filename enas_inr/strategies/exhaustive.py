"""Exhaustive search, the reference with which other strategies are compared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import final

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.result import TraceStep, TrialResult, best_of
from enas_inr.spec import Configuration, Fidelity
from enas_inr.strategies.base import Keys, Strategy, one_comparison, unseen
from enas_inr.strategies.options import ExhaustiveOptions, RaceOptions
from enas_inr.strategies.race import Race
from enas_inr.strategies.racing import can_race

LEAST_CELLS = 2  # so that an estimate has an interval


@final
class Exhaustive(Strategy):
    """Trains all feasible configurations, beginning with the cheapest; or lets them race."""

    def __init__(
        self, space: FeasibleSpace, options: ExhaustiveOptions = ExhaustiveOptions()
    ) -> None:
        self._space, self._share = space, options.cells
        self._promising = options.promising
        rules = options.model_dump(exclude={"racing", "cells", "promising"})
        self._keys, self._ended = Keys(), 0
        self._race: Race | None = None
        if self._share == 1 and not self._promising and can_race(space, options.racing):
            self._race = Race(space, RaceOptions(**rules, configurations=len(space.feasible)))

    @cached_property
    def _candidates(self) -> list[Candidate]:
        return sorted(self._space.feasible, key=lambda c: (c.cost.flops, c.cost.parameters))

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """The cheapest ones not yet trained, or what is left of the current round."""
        if self._race:
            return self._race.propose(history, pending, n)
        found = unseen(self._left(history), history, pending, n, self._keys)
        return [self._at_share(one) for one in found]

    def one_by_one(self) -> bool:
        """Whether a result may show that others cannot be better."""
        return self._promising

    def _left(self, history: Sequence[TrialResult]) -> Sequence[Candidate]:
        """Return the configurations from the first that has not ended, if they can be better."""
        candidates, promise = self._unended(history), self._space.promise
        best = best_of(history) if self._promising and promise else None
        if promise is None or best is None or best.shortfall_db > 0:
            return candidates
        lowest = (best.score or 0.0) - best.score_interval
        return [one for one in candidates if promise(one) >= lowest]

    def _unended(self, history: Sequence[TrialResult]) -> Sequence[Candidate]:
        """Return the configurations from the first that has not ended."""
        ended, candidates = self._keys.of(history), self._candidates
        if self._ended and candidates[self._ended - 1].key not in ended:
            self._ended = 0  # another history
        while self._ended < len(candidates) and candidates[self._ended].key in ended:
            self._ended += 1
        return candidates[self._ended :]

    def rounds(self) -> int:
        """Return how often a configuration can be trained."""
        return self._race.rounds() if self._race else 1

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """One comparison of all, or the rounds of the race."""
        return self._race.trace(history) if self._race else one_comparison(history)

    def _at_share(self, one: Configuration) -> Configuration:
        if self._share == 1:
            return one
        share = max(self._share, LEAST_CELLS / self._space.cells(one))
        return one.at(Fidelity(cells=min(1.0, share), repeats=self._space.repeats))
