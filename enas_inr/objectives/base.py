"""The contract of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from enas_inr.result import TrialResult

__all__ = ["Objective"]


class Objective(ABC):
    """A score to maximise.

    Constructed with its options, if it has any. An objective sees results, which know only costs;
    whatever depends on the signal, such as its number of samples, is an option that
    `Options.resolve` fills in.

    Attributes:
        worth: how much of the score one decibel of PSNR is worth at most; 0 for a score of costs.
        measures: costs that it needs beyond FLOPs and parameters: `bytes` of the model file,
            `latency`.
    """

    worth: ClassVar[float] = 1.0
    measures: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def score(self, result: TrialResult) -> float:
        """Score a complete trial.

        A higher PSNR must not lower the score, and a higher cost must not raise it.
        """

    def shortfall_db(self, result: TrialResult) -> float:
        """Return by how many decibels a complete trial falls short of what is demanded.

        A trial that falls short is worse than any that does not. By default, nothing is demanded.
        """
        return 0.0
