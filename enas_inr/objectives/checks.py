"""Checks of the values that an objective returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import SupportsFloat

from enas_inr.errors import ContractError
from enas_inr.objectives.base import Objective
from enas_inr.plugins.guard import Check
from enas_inr.result import TrialResult


def checks() -> Mapping[str, Check]:
    """Return the checks of an objective by the name of the method."""
    return {"score": check_score}


def check_score(objective: Objective, score: SupportsFloat, result: TrialResult) -> float:
    """Check that a score is a finite number.

    Raises:
        ContractError: the score is infinite or NaN.
    """
    number = float(score)
    if not math.isfinite(number):
        raise ContractError(f"it scored {result.trial.configuration.label()} as {number}")
    return number
