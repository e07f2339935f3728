"""The contract of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod

from enas_inr.result import TrialResult

__all__ = ["Objective"]


class Objective(ABC):
    """A score to maximise.

    Constructed with its options, if it has any. An objective sees results, which know only costs;
    whatever depends on the signal, such as its number of samples, is an option that
    `Options.resolve` fills in.
    """

    @abstractmethod
    def score(self, result: TrialResult) -> float:
        """Score a complete trial.

        A higher PSNR must not lower the score, and a higher cost must not raise it.
        """
