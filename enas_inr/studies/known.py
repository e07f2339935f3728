"""Answers with what is known already, and lets another executor train the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import final

from enas_inr.executors.base import Executor
from enas_inr.result import TrialResult
from enas_inr.spec import TrialSpec


@final
class CachedExecutor(Executor):
    """Wraps an executor, so it is not made by name.

    Args:
        inner: trains what is not known.
        known: the result of a trial that was trained before with the same settings, if any.
    """

    def __init__(self, inner: Executor, known: Callable[[TrialSpec], TrialResult | None]) -> None:
        self._inner, self._known = inner, known

    def run(self, trials: Sequence[TrialSpec]) -> Iterator[TrialResult]:
        """What is known first."""
        unknown = []
        for trial in trials:
            if result := self._known(trial):
                yield result.model_copy(update={"trial": trial})
            else:
                unknown.append(trial)
        if unknown:
            yield from self._inner.run(unknown)
