"""The contract of a strategy.

A strategy is a pure function of the history of a study, so that an interrupted search continues as
if it had not been interrupted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence, Set
from itertools import islice
from typing import final

from enas_inr.cost import Candidate
from enas_inr.result import TraceStep, TrialResult, best_of
from enas_inr.spec import Configuration

__all__ = [
    "Growth",
    "Keys",
    "Strategy",
    "compared_in_batches",
    "left",
    "one_comparison",
    "unseen",
]


class Strategy(ABC):
    """Proposes configurations. Constructed with a FeasibleSpace, then its options if it has any."""

    @abstractmethod
    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Propose up to `n` configurations to train next, each of them feasible and new.

        One with a fidelity may have been trained at another fidelity. The search asks whenever a
        worker is free, and asks again, with what it got as pending, while workers are left.

        Args:
            history: the trials that have ended, in the order of their numbers.
            pending: configurations that are being trained, in the order of their proposals. They
                are not proposed again, at no fidelity.
            n: largest number of proposals.

        Returns:
            The proposals. An empty sequence means to wait if configurations are pending, and that
            the search has ended otherwise.
        """

    def one_by_one(self) -> bool:
        """Return whether each result improves the next proposals.

        If so, an executor that could train more at once asks only for as many as it has workers.
        """
        return False

    def rounds(self) -> int:
        """Return how often a configuration can be trained, each time at a higher fidelity."""
        return 1

    @abstractmethod
    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Explain the search so far, decision by decision.

        The winner of the search is the best of the trials in it (see `enas_inr.result.compared`).
        """


@final
class Growth:
    """Tells what a history has grown by, for strategies that compute the rest only once.

    What is kept from before may save time, but must not decide anything: a proposal is a function
    of the history.
    """

    def __init__(self) -> None:
        self._known: list[TrialResult] = []

    def of(self, history: Sequence[TrialResult]) -> tuple[int, Sequence[TrialResult]]:
        """Return how many trials of a history were in the previous one, and the others.

        The number is 0 if the history does not begin with the previous one.
        """
        known = len(self._known)
        # Trials are immutable and mostly the same objects, which makes this quick.
        if list(history[:known]) != self._known:
            known, self._known = 0, []
        new = history[known:]
        self._known += new
        return known, new


@final
class Keys:
    """The keys of the trials that have ended, each of which is computed once."""

    def __init__(self) -> None:
        self._growth, self._keys = Growth(), set[str]()

    def of(self, history: Sequence[TrialResult], pending: Sequence[Configuration] = ()) -> Set[str]:
        """Return the keys of what has ended, and of what is being trained."""
        known, new = self._growth.of(history)
        if not known:
            self._keys = set()
        self._keys.update(result.key for result in new)
        running = {configuration.key() for configuration in pending}
        return self._keys | running if running else self._keys


def one_comparison(history: Sequence[TrialResult]) -> list[TraceStep]:
    """Return the trace of a strategy that compares all trials with each other."""
    best = best_of(history)
    return [TraceStep(1, "", tuple(history), best.key if best else None)] if history else []


def compared_in_batches(
    batches: Iterable[Iterable[str]], history: Sequence[TrialResult]
) -> list[TraceStep]:
    """Return the trace of a strategy that proposes batches.

    The choice of a step is the trial that was better than all before it, if there is one.

    Args:
        batches: keys by batch, in the order of the search. Keys that are not in `history` are
            left out.
        history: the trials that have ended.
    """
    known = {result.key: result for result in history}
    trace: list[TraceStep] = []
    best: TrialResult | None = None
    for batch in batches:
        results = tuple(known[key] for key in batch if key in known)
        before, best = best, best_of([*filter(None, [best]), *results])
        choice = best.key if best and best is not before else None
        trace += [TraceStep(len(trace) + 1, "", results, choice)] if results else []
    return trace


def left(proposals: Sequence[Configuration], running: Set[str]) -> list[Configuration]:
    """Return the proposals whose keys are not among those that are being trained."""
    return [proposal for proposal in proposals if proposal.key() not in running]


def unseen(
    candidates: Sequence[Candidate],
    history: Sequence[TrialResult],
    pending: Sequence[Configuration],
    n: int,
    keys: Keys | None = None,
) -> list[Configuration]:
    """Return the first `n` candidates that neither have been trained nor are being trained.

    Args:
        candidates: the candidates.
        history: the trials that have ended.
        pending: what is being trained.
        n: largest number of candidates to return.
        keys: of the same strategy, to look at each trial of a long history only once.
    """
    seen = (keys or Keys()).of(history, pending)
    return list(islice((c.spec for c in candidates if c.key not in seen), n))
