"""A race between all configurations of a space, or a sample of them (see `racing`)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import final

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import Configuration
from enas_inr.strategies.base import Strategy, left
from enas_inr.strategies.options import RaceOptions
from enas_inr.strategies.racing import Heat, Races, can_race, most_rounds


@final
class Race(Strategy):
    """A race, recomputed from the history at each call. Its winner is trained further at the end.

    Raises:
        SpecError: the study has several objectives.
    """

    def __init__(self, space: FeasibleSpace, options: RaceOptions = RaceOptions()) -> None:
        can_race(space, True)
        self._space, self._options = space, options
        self._entered = _sample(space, options.configurations)

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Propose what is left of the current round, or else what is likely to go on."""
        running = frozenset(proposal.key() for proposal in pending)
        sure = left(self._heats(history)[-1].next, running)
        return (sure or self._likely(history, running))[:n]

    def _likely(
        self, history: Sequence[TrialResult], running: frozenset[str]
    ) -> list[Configuration]:
        """Return what goes on if nothing in training is better than what is known, the best first.

        A worker would be idle otherwise. The decisions are still those of complete rounds.
        """
        if not running:
            return []
        rank = {result.key: result.rank for result in history}
        races = Races(self._space, self._options, history, running)
        heat = races.heat(self._entered)
        further = heat.next or (races.further(heat.winner) if heat.winner else ())
        likely = left(further, running)
        return sorted(likely, key=lambda one: rank[one.key()], reverse=True)

    def rounds(self) -> int:
        """Return how often a configuration can be trained."""
        return most_rounds(self._space, self._options)

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the complete rounds."""
        heat, *confirmed = self._heats(history)
        rounds = [*heat.rounds, *(one for further in confirmed for one in further.rounds)]
        if confirmed and rounds[-1].results[0] in rounds[-2].results:
            rounds.pop()  # it was known well enough already
        return [
            TraceStep(number, "", one.results, one.leader) for number, one in enumerate(rounds, 1)
        ]

    def _heats(self, history: Sequence[TrialResult]) -> list[Heat]:
        races = Races(self._space, self._options, history)
        heat = races.heat(self._entered)
        if heat.winner is None:
            return [heat]
        return [heat, races.confirmed(heat.winner)]


def _sample(space: FeasibleSpace, most: int) -> Sequence[Candidate]:
    """Return the configurations that enter: all, or a random sample of them in their order."""
    if len(space.feasible) <= most:
        return space.feasible
    chosen = random.Random(space.seed).sample(range(len(space.feasible)), most)
    return [space.feasible[index] for index in sorted(chosen)]
