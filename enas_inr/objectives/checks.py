"""What an objective returns, checked against its contract."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import SupportsFloat

from enas_inr.errors import ContractError
from enas_inr.objectives.base import Objective
from enas_inr.plugins.guard import Check
from enas_inr.result import TrialResult


def checks() -> Mapping[str, Check]:
    """The checks of an objective, by the method's name."""
    return {"score": check_score}


def check_score(objective: Objective, score: SupportsFloat, result: TrialResult) -> float:
    """Check that a score is a finite number.

    Raises:
        ContractError: it is infinite or NaN.
    """
    number = float(score)
    if not math.isfinite(number):
        raise ContractError(f"it scored {result.trial.ensemble.label()} as {number}")
    return number
