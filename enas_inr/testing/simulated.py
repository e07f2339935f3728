"""Search in virtual time: workers that take as long for a trial as a function says, and wait.

The time is computed and never waited for: a search of hours on many workers takes seconds, and its
course is the same on every machine. The simulator backend of Syne Tune does the same (Salinas et
al., Syne Tune, AutoML 2022).
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from itertools import count

from enas_inr.executors.base import Executor, Supply
from enas_inr.result import TrialResult
from enas_inr.spec import Configuration, TrialSpec
from enas_inr.testing.lookup import LookupExecutor

Seconds = Callable[[TrialSpec], float]
"""The duration of a trial in virtual seconds."""


class SimulatedExecutor(Executor):
    """Workers in virtual time, each of which takes a trial whenever it is free.

    Args:
        psnr_paper_db: the PSNR of each configuration, as for `LookupExecutor`.
        workers: number of workers.
        seconds: the duration of each trial.

    Attributes:
        trained: the trials that have ended, in the order in which they ended.
        clock: virtual seconds since the start.
        busy: virtual seconds in which workers trained what has ended, summed over the workers.
    """

    def __init__(
        self,
        psnr_paper_db: Callable[[Configuration], float | None],
        workers: int,
        seconds: Seconds,
    ) -> None:
        self._lookup = LookupExecutor(psnr_paper_db)
        self._workers, self._seconds = workers, seconds
        self.trained: list[TrialSpec] = []
        self.clock = self.busy = 0.0

    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Yield results in the order in which the trials end."""
        started = count()
        running: list[tuple[float, int, TrialSpec]] = []
        while True:
            for trial in trials.take(self._workers - len(running)):
                end = self.clock + self._seconds(trial)
                heapq.heappush(running, (end, next(started), trial))
            if not running:
                return
            now, _, trial = heapq.heappop(running)
            self.clock, self.busy = now, self.busy + self._seconds(trial)
            self.trained.append(trial)
            yield self._lookup.result(trial)

    @property
    def idle(self) -> float:
        """The share of the workers' time, from the start until now, in which they waited."""
        return 1 - self.busy / (self._workers * self.clock) if self.clock else 0.0


def lognormal_seconds(sigma: float, seed: int = 0) -> Seconds:
    """Return durations with a log-normal distribution whose median is a second.

    Args:
        sigma: standard deviation of the logarithm of the durations.
        seed: random seed; each trial has its own duration, whenever it is trained.
    """

    def seconds(trial: TrialSpec) -> float:
        # The text is what it was before there were sets, so that tables of simulations still hold.
        part = trial.part and " ".join(f"{k}={v!r}" for k, v in trial.part if k != "signals")
        of_signal = f" {trial.signal}" if trial.signal else ""
        fidelity = f"{part} {trial.repeats}{of_signal}"
        draw = random.Random(f"{seed} {trial.configuration.key()} {fidelity}")
        return draw.lognormvariate(0, sigma)

    return seconds
