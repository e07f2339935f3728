"""Racing: all configurations on a few cells, then those that can still win on more and more.

    train every configuration on a sixteenth of the cells
    repeat
        leader <- the best score
        drop what cannot be better than the leader by more than `tolerance`
        train the others on twice as many cells
    until only the leader is left, or all cells are trained
    train the leader further, until its PSNR is known well enough

Cells are independent, and all configurations are trained on the same ones (see
`enas_inr.signals.stratified`), so two configurations of one grid are compared cell by cell: what a
busy cell costs both cancels out. What was trained is kept, and further cells are added to it.
Maron & Moore, Hoeffding Races, NeurIPS 1993; the halving of Karnin et al., ICML 2013, drops by rank
and not by intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.errors import SpecError
from enas_inr.estimate import difference_db
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import Configuration, Fidelity
from enas_inr.strategies.base import Strategy
from enas_inr.strategies.options import RaceOptions

Trained = tuple[str, int, int]
"""Key of a configuration, number of its cells, and number of repeats."""


@dataclass(frozen=True)
class _Standing:
    """How far the race has come, reconstructed from the history.

    Attributes:
        trace: the rounds that are complete.
        next: what to train next; empty when the race has ended.
    """

    trace: tuple[TraceStep, ...]
    next: tuple[Configuration, ...]


@final
class Race(Strategy):
    """A race of all configurations, recomputed from the history at each call."""

    def __init__(self, space: FeasibleSpace, options: RaceOptions = RaceOptions()) -> None:
        if len(space.objectives) > 1:
            raise SpecError(
                "strategy 'race' maximises the score alone", "choose optuna, or drop --objectives"
            )
        self._space, self._options = space, options

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Propose what is left of the current round."""
        running = {proposal.key() for proposal in pending}
        left = [one for one in self._standing(history).next if one.key() not in running]
        return left[:n]

    def rounds(self) -> int:
        """Return the number of times that the share of the cells can be doubled, and two more."""
        return math.ceil(-math.log2(self._options.first)) + 2

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the complete rounds."""
        return self._standing(history).trace

    def _standing(self, history: Sequence[TrialResult]) -> _Standing:
        known = {self._trained(result): result for result in history}
        alive = list(self._space.feasible)
        trace: list[TraceStep] = []
        share = self._options.first
        while True:
            wanted = [(one, self._fidelity(one, share)) for one in alive]
            missing = [pair for pair in wanted if self._key(*pair) not in known]
            if missing:
                return _Standing(tuple(trace), tuple(c.spec.at(f) for c, f in missing))
            results = [known[self._key(*pair)] for pair in wanted]
            leader = max(
                (result for result in results if result.score is not None),
                key=lambda result: result.rank,
                default=None,
            )
            key = leader.key if leader else None
            trace.append(TraceStep(len(trace) + 1, "", tuple(results), key))
            if leader is None:
                return _Standing(tuple(trace), ())
            alive = [c for c, r in zip(alive, results, strict=True) if self._can_win(r, leader)]
            if len(alive) == 1 or share >= 1:
                (winner,) = [one for one in alive if one.key == leader.key]
                return self._confirmed(winner, share, known, trace)
            share = min(1.0, 2 * share)

    def _confirmed(
        self,
        winner: Candidate,
        share: float,
        known: Mapping[Trained, TrialResult],
        trace: list[TraceStep],
    ) -> _Standing:
        """Train the winner further until its PSNR is known within the interval."""
        fidelity = self._fidelity(winner, share)
        while True:
            result = known[self._key(winner, fidelity)]
            if result.score is None:
                return _Standing(tuple(trace), ())
            if fidelity.cells < 1 and (self._space.exact or self._vague(result)):
                fidelity = self._fidelity(winner, 1.0 if self._space.exact else 2 * fidelity.cells)
            elif self._space.exact and fidelity.repeats < self._space.repeats:
                fidelity = fidelity.model_copy(update={"repeats": self._space.repeats})
            else:
                return _Standing(tuple(trace), ())
            if self._key(winner, fidelity) not in known:
                return _Standing(tuple(trace), (winner.spec.at(fidelity),))
            better = known[self._key(winner, fidelity)]
            choice = winner.key if better.score is not None else None
            trace.append(TraceStep(len(trace) + 1, "", (better,), choice))

    def _vague(self, result: TrialResult) -> bool:
        return result.interval_db > self._options.interval

    def _can_win(self, result: TrialResult, leader: TrialResult) -> bool:
        if result.score is None or leader.score is None:
            return False
        if result.key == leader.key:
            return True
        half = 0.0
        if result.sample and leader.sample:
            cells = result.sample.of, leader.sample.of
            _, half = difference_db(result.losses, leader.losses, cells)
        return result.score + half > leader.score + self._options.tolerance

    def _fidelity(self, candidate: Candidate, share: float) -> Fidelity:
        """Return a share of the cells of a configuration, but not too few."""
        least = min(1.0, self._options.least / self._space.cells(candidate.spec))
        return Fidelity(cells=min(1.0, max(share, least)))

    def _key(self, candidate: Candidate, fidelity: Fidelity) -> Trained:
        cells = fidelity.count(self._space.cells(candidate.spec))
        return candidate.key, cells, fidelity.repeats

    def _trained(self, result: TrialResult) -> Trained:
        trial = result.trial
        cells = trial.part.cells if trial.part else self._space.cells(trial.ensemble)
        return result.key, cells, trial.repeats
