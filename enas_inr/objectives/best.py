"""The highest PSNR within the budget: `--goal best`."""

from __future__ import annotations

from typing import final

from enas_inr.objectives.base import Objective
from enas_inr.objectives.options import BestOptions
from enas_inr.result import TrialResult


@final
class Best(Objective):
    """The PSNR, up to a ceiling beyond which nobody sees or hears a difference."""

    def __init__(self, options: BestOptions = BestOptions()) -> None:
        self._ceiling = options.ceiling_db

    def score(self, result: TrialResult) -> float:
        """Score a complete trial by its PSNR in dB; what it costs decides between equal ones."""
        assert result.psnr_db is not None, "only complete trials are scored"
        return min(result.psnr_db, self._ceiling)
