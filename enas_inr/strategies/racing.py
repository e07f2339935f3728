"""Races between configurations: all on a few cells, then those that can still win on more.

    train every configuration on the same few cells
    repeat
        leader <- the best of them
        drop what cannot be better than the leader by more than `tolerance`
        train the others for twice as many steps, if not all are made; else on twice as many
        signals, if not all of a set have been seen; else on twice as many cells
    until only the leader is left, or all cells are trained

Cells are independent, and all configurations are trained on the same ones (see
`enas_inr.signals.stratified`), so two configurations of one grid are compared cell by cell: what a
busy cell costs both cancels out, and so does what a signal of a set costs both (see `gaps`). What
was trained is kept, and further cells are added to it.
Maron & Moore, Hoeffding Races, NeurIPS 1993; the halving of Karnin et al., ICML 2013, drops by rank
and not by intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.errors import SpecError
from enas_inr.result import TrialResult
from enas_inr.spec import Configuration, Fidelity
from enas_inr.strategies.gaps import gap
from enas_inr.strategies.options import RacingOptions

ROUNDED = 1e-9
FIRST_ENTERED = 8  # configurations of which one may be good enough; then twice as many


@dataclass(frozen=True)
class Round:
    """One round of a race.

    Attributes:
        results: the results that were compared.
        leader: key of the best of them; None if none is complete.
    """

    results: tuple[TrialResult, ...]
    leader: str | None


@dataclass(frozen=True)
class Heat:
    """How far a race has come.

    Attributes:
        rounds: the complete rounds.
        next: what to train next; empty when the race has ended.
        winner: the leader of the last round, when the race has ended.
    """

    rounds: tuple[Round, ...]
    next: tuple[Configuration, ...] = ()
    winner: Candidate | None = None

    @property
    def results(self) -> tuple[TrialResult, ...]:
        """The last result of each configuration."""
        last = {result.key: result for one in self.rounds for result in one.results}
        return tuple(last.values())


class Races:
    """Races between configurations of a space, after what is known of them.

    Args:
        space: the space.
        options: the rules.
        history: the trials that have ended, at any fidelity.
        without: keys of configurations that leave a race in the round for which they are still in
            training, to see what is likely next.

    Raises:
        SpecError: the study has several objectives.
    """

    def __init__(
        self,
        space: FeasibleSpace,
        options: RacingOptions,
        history: Sequence[TrialResult],
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._space, self._options, self._without = space, options, without
        self._fidelities: dict[tuple[int, int], Fidelity] = {}
        self._known: dict[str, list[TrialResult]] = {}
        for result in history:
            self._known.setdefault(result.key, []).append(result)

    def heat(self, candidates: Sequence[Candidate]) -> Heat:
        """Return how far the race between some configurations has come.

        If its winner turns out to fall short of what the objective demands, the others race again.
        """
        heat, left = self._heat(candidates), list(candidates)
        while heat.winner and self._ruled_out(heat.winner):
            short = [self._furthest(one) for one in left if self._ruled_out(one)]
            left = [one for one in left if not self._ruled_out(one)]
            if not left:
                break
            again = self._heat(left)
            known = Round(tuple(filter(None, short)), None)
            heat = replace(again, rounds=(*heat.rounds, known, *again.rounds))
        return heat

    def _ruled_out(self, candidate: Candidate) -> bool:
        """Whether a configuration falls short of what the objective demands, as far as is known."""
        result = self._furthest(candidate)
        if result is None or result.fidelity.steps < 1:
            return False
        short = result.shortfall_db
        return (
            result.score is None
            or short > 2 * result.interval_db
            or (short > 0 and not self._vague(result))
        )

    def _heat(self, candidates: Sequence[Candidate]) -> Heat:
        alive, level = self._entered(candidates), 0
        rounds: list[Round] = []
        while True:
            pairs = [(one, self._fidelity(one, level)) for one in alive]
            found = [self._result(*pair) for pair in pairs]
            missing = [pair for pair, r in zip(pairs, found, strict=True) if r is None]
            further = [c.spec.at(f) for c, f in missing if c.key not in self._without]
            if further:
                return Heat(tuple(rounds), tuple(further))
            alive = [one for one, r in zip(alive, found, strict=True) if r]
            results = [result for result in found if result]
            leader = _leader(results)
            rounds.append(Round(tuple(results), leader.key if leader else None))
            if leader is None:
                return Heat(tuple(rounds))
            alive = [c for c, r in zip(alive, results, strict=True) if self._can_win(c, r, leader)]
            all_trained = all(_is_whole(fidelity) for _, fidelity in pairs)
            if len(alive) == 1 or all_trained:
                (winner,) = [one for one in alive if one.key == leader.key]
                return Heat(tuple(rounds), winner=winner)
            level += 1

    def _entered(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return the candidates that enter: those before the first that are surely good enough.

        Where costs alone decide the score, what has a lower score than one that is good enough
        cannot win, and need not be trained at all.
        """
        if self._space.promise is None or self._space.worth:
            return list(candidates)
        best_first = sorted(candidates, key=self._space.promise, reverse=True)
        count = FIRST_ENTERED
        while count < len(best_first):
            known = [self._result(one, self._fidelity(one, 0)) for one in best_first[:count]]
            if any(r is None or (r.score is not None and r.shortfall_db <= 0) for r in known):
                break
            count *= 2
        return best_first[:count]

    def confirmed(self, winner: Candidate) -> Heat:
        """Return what is left to train of a winner until its PSNR is known well enough.

        With the profile `paper`, that is all of it, with all repeats.
        """
        result = self._furthest(winner)
        assert result, "a winner has been trained"
        known = (Round((result,), winner.key if result.score is not None else None),)
        share = result.fidelity.cells
        if result.score is None:
            return Heat(known)
        if result.fidelity.steps < 1 or result.fidelity.signals < 1:
            further = Fidelity(cells=share)
        elif share < 1 and (self._space.exact or self._vague(result)):
            further = Fidelity(cells=1 if self._space.exact else min(1, 2 * share))
        elif self._space.exact and result.trial.repeats < self._space.repeats:
            further = Fidelity(repeats=self._space.repeats)
        else:
            return Heat(known, winner=winner)
        return Heat(known, (winner.spec.at(further),))

    def further(self, winner: Candidate) -> tuple[Configuration, ...]:
        """Return a winner at the fidelity of the next round, if there were one."""
        level = 0
        while self._result(winner, fidelity := self._fidelity(winner, level)):
            if _is_whole(fidelity):
                return ()
            level += 1
        return (winner.spec.at(fidelity),)

    def _vague(self, result: TrialResult) -> bool:
        """Whether the PSNR is not known well enough; beyond a ceiling of the score, it need not."""
        most, worth = self._options.interval, self._space.worth
        return result.interval_db > most and (not worth or result.score_interval > worth * most)

    def _can_win(self, candidate: Candidate, result: TrialResult, leader: TrialResult) -> bool:
        if result.key == leader.key:
            return True
        if result.score is None or leader.score is None:
            return False
        doubt = self._options.doubt * -math.log2(result.fidelity.steps)
        lacking = result.shortfall_db - 2 * result.interval_db - doubt  # at the upper end of it
        if lacking > 0:  # it will not be acceptable, but it may be the nearest
            return leader.shortfall_db > lacking
        if leader.shortfall_db > 0:
            return True
        if result.shortfall_db > 0 and not self._vague(result):
            return False
        worth = self._space.worth
        ahead, half = gap(result, leader, worth)
        most = ahead + half + worth * doubt
        if self._space.promise:  # there may be a ceiling
            lowest = leader.score - leader.score_interval
            most = min(most, self._space.promise(candidate) - lowest)
        return most > self._options.tolerance

    def _fidelity(self, candidate: Candidate, level: int) -> Fidelity:
        """Return the fidelity of a round, which depends on the number of cells alone."""
        key = level, self._space.cells(candidate.spec)
        if key not in self._fidelities:
            self._fidelities[key] = self._of_round(*key)
        return self._fidelities[key]

    def _of_round(self, level: int, of: int) -> Fidelity:
        """Return the fidelity of a round: each has twice as many samples as the one before.

        If not all steps are made in the first round, there are twice as many steps at first, and
        then twice as many signals until all have been seen.
        """
        steps = self._options.steps * 2.0**level
        level = max(0, level - _rounds_of_steps(self._options))
        signals = self._options.signals * 2.0**level / self._space.signals
        level = max(0, level - _rounds_of_signals(self._space, self._options))
        samples = self._options.samples * 2.0**level / self._space.samples
        cells = self._options.least * 2.0**level / of
        return Fidelity(
            cells=min(1.0, max(samples, cells)), steps=min(1.0, steps), signals=min(1.0, signals)
        )

    def _furthest(self, candidate: Candidate) -> TrialResult | None:
        return max(self._known.get(candidate.key, ()), key=self._amount, default=None)

    def _result(self, candidate: Candidate, fidelity: Fidelity) -> TrialResult | None:
        """Return the result with the least that has at least this fidelity."""
        wanted = fidelity.count(self._space.cells(candidate.spec))
        share, signals = fidelity.steps - ROUNDED, fidelity.signals - ROUNDED
        enough = [
            result
            for result in self._known.get(candidate.key, ())
            if result.score is None  # what diverges on some cells diverges on all of them
            or (
                self._cells(result) >= wanted
                and result.trial.repeats >= fidelity.repeats
                and result.fidelity.steps >= share
                and result.fidelity.signals >= signals
            )
        ]
        return min(enough, key=self._amount, default=None)

    def _amount(self, result: TrialResult) -> tuple[bool, float, int, float, int]:
        known = result.fidelity
        cells = self._cells(result)
        return result.score is None, known.signals, cells, known.steps, known.repeats

    def _cells(self, result: TrialResult) -> int:
        trial = result.trial
        return trial.part.cells if trial.part else self._space.cells(trial.ensemble)


def can_race(space: FeasibleSpace, asked: bool | None) -> bool:
    """Whether a strategy races: by default, if winners are not to be trained in full.

    Raises:
        SpecError: it is asked for, and the study has several objectives.
    """
    several = len(space.objectives) > 1
    if several and asked:
        raise SpecError("a race maximises the score alone", "choose optuna, or drop --objectives")
    return not (several or space.exact or space.space.only) if asked is None else asked


def most_rounds(space: FeasibleSpace, options: RacingOptions) -> int:
    """Return how often a race can train a configuration, each time with more cells or repeats."""
    most = max(space.cells(candidate.spec) for candidate in space.feasible)
    share = max(options.samples / space.samples, options.least / most)
    confirming = 2 if space.exact else 0  # all cells, then all repeats
    confirming += 1 if space.signals > 1 else 0  # all signals
    rounds = math.ceil(-math.log2(min(1.0, share))) + 1
    before = _rounds_of_steps(options) + _rounds_of_signals(space, options)
    return before + rounds + confirming


def _rounds_of_steps(options: RacingOptions) -> int:
    """Return the number of rounds in which not all steps are made."""
    return math.ceil(-math.log2(options.steps))


def _rounds_of_signals(space: FeasibleSpace, options: RacingOptions) -> int:
    """Return the number of rounds in which not all signals of a set are seen."""
    return max(0, math.ceil(math.log2(space.signals / options.signals)))


def _is_whole(fidelity: Fidelity) -> bool:
    return fidelity.cells == fidelity.steps == fidelity.signals == 1


def _leader(results: Sequence[TrialResult]) -> TrialResult | None:
    """Return the best of them; of equal ones, the first by its key."""
    scored = sorted((r for r in results if r.score is not None), key=lambda result: result.key)
    return max(scored, key=lambda result: result.rank, default=None)
