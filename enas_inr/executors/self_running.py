"""The contract of a strategy that decides while trials are trained, such as Ray Tune."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from enas_inr.executors.base import Executor
from enas_inr.result import TrialResult
from enas_inr.spec import Configuration, TrialSpec
from enas_inr.strategies.base import Strategy


@dataclass(frozen=True, eq=False)
class Loop:
    """The arguments of a self-running strategy.

    Attributes:
        executor: the executor that the user chose.
        history: the trials that have ended, in the order of their numbers; `keep` adds to it.
        make_trial: makes a trial of a configuration and a number.
        score: the objective, for a complete trial.
        keep: scores and stores the result of a trial that has ended.
    """

    executor: Executor
    history: Sequence[TrialResult]
    make_trial: Callable[[Configuration, int], TrialSpec]
    score: Callable[[TrialResult], float]
    keep: Callable[[TrialResult], None]


class SelfRunning(Strategy):
    """A strategy with its own loop. It stores results only through `Loop.keep`."""

    @abstractmethod
    def run(self, loop: Loop) -> None:
        """Train trials until the search has ended, and keep the result of each one."""
