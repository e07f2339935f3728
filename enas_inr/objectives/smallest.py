"""The smallest model file that reaches a PSNR: `--goal smallest --target-psnr 40`."""

from __future__ import annotations

import math
from typing import ClassVar, final

from enas_inr.objectives.base import Objective
from enas_inr.objectives.options import TargetOptions
from enas_inr.objectives.target import short_of
from enas_inr.result import TrialResult


@final
class Smallest(Objective):
    """`-10 log10(bytes of the file)`, among trials that reach the target."""

    worth: ClassVar[float] = 0.0
    measures: ClassVar[tuple[str, ...]] = ("bytes",)

    def __init__(self, options: TargetOptions = TargetOptions()) -> None:
        self._target_db = options.target_psnr_db

    def score(self, result: TrialResult) -> float:
        """Score a complete trial by what it costs, in decibels."""
        cost = result.trial.cost
        return -10 * math.log10(cost.file_bytes or cost.bytes)

    def shortfall_db(self, result: TrialResult) -> float:
        """Return by how much a trial may fall short of the target."""
        return short_of(self._target_db, result)
