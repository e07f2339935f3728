"""The contract of a strategy: a pure function of a study, so that a resume is a replay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from enas_inr.cost import Candidate
from enas_inr.result import TraceStep, TrialResult, best_of
from enas_inr.spec import EnsembleSpec

__all__ = ["Strategy", "compared_in_batches", "one_comparison", "unseen"]


class Strategy(ABC):
    """Proposes architectures. Constructed with a FeasibleSpace, then its options if it has any."""

    @abstractmethod
    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[EnsembleSpec], n: int
    ) -> Sequence[EnsembleSpec]:
        """Name up to `n` architectures to train next, each one feasible and new.

        Args:
            history: the trials that have ended, in the order of their numbers.
            pending: architectures that are being trained.
            n: how many can be used.

        Returns:
            None of them: wait while some are pending; otherwise the search has ended.
        """

    @abstractmethod
    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Explain the search so far, decision by decision."""


def one_comparison(history: Sequence[TrialResult]) -> list[TraceStep]:
    """The trace of a strategy that compares all trials with each other."""
    best = best_of(history)
    return [TraceStep(1, "", tuple(history), best.key if best else None)] if history else []


def compared_in_batches(
    batches: Iterable[Iterable[str]], history: Sequence[TrialResult]
) -> list[TraceStep]:
    """The trace of a strategy that proposes batches; chosen is what was better than all before it.

    Args:
        batches: of keys, in the order of the search; those that are not in `history` are left out.
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


def unseen(
    candidates: Sequence[Candidate],
    history: Sequence[TrialResult],
    pending: Sequence[EnsembleSpec],
    n: int,
) -> list[EnsembleSpec]:
    """The first `n` candidates that were neither trained nor are being trained."""
    seen = {result.key for result in history} | {spec.key() for spec in pending}
    return [c.spec for c in candidates if c.spec.key() not in seen][:n]
