"""When a search stops before its strategy has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from enas_inr.result import TrialResult

SOON = 8  # trials that are taken at once where time is limited


@dataclass(frozen=True)
class Stopping:
    """Rules by which a search stops: what is being trained ends, and the same command goes on.

    Attributes:
        seconds: time from the beginning of this run; None for no limit.
        after: number of trials without a better one; None for no limit.
        asked: whether to stop now, because the caller wants it; None if it never does.
        clock: returns the time in seconds.
        started: when this run began, by the clock.
    """

    seconds: float | None = None
    after: int | None = None
    asked: Callable[[], bool] | None = None
    clock: Callable[[], float] = time.monotonic
    started: float | None = None

    def begun(self) -> Stopping:
        """Return the rules with the time running, from now if it does not run yet."""
        return self if self.started is not None else replace(self, started=self.clock())

    def reason(self, history: Sequence[TrialResult]) -> str:
        """Return why the search stops now; empty if it goes on."""
        if self.asked and self.asked():
            return "it was asked to"
        spent = 0.0 if self.started is None else self.clock() - self.started
        if self.seconds is not None and spent >= self.seconds:
            return f"the time limit of {self.seconds:g} s is reached"
        if self.after is not None and without_better(history) >= self.after:
            return f"{self.after} trials in a row were no better"
        return ""

    @property
    def most(self) -> int | None:
        """The number of trials to take at once, so that they end soon; None for any."""
        limited = self.seconds is not None or self.after is not None or self.asked is not None
        return SOON if limited else None


def without_better(history: Sequence[TrialResult]) -> int:
    """Return how many trials have ended since the best one."""
    scored = [index for index, result in enumerate(history) if result.score is not None]
    best = max(scored, key=lambda index: (history[index].rank, -index), default=-1)
    return len(history) - 1 - best
