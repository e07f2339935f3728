"""The contract of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod

from enas_inr.result import TrialResult

__all__ = ["Objective"]


class Objective(ABC):
    """A score to maximise.

    Constructed with its options, if it has any. What depends on the signal (the number of its
    samples, its channels) is an option that `Options.resolve` settles: results know costs alone.
    """

    @abstractmethod
    def score(self, result: TrialResult) -> float:
        """Score a complete trial: more PSNR never worse, more cost never better."""
