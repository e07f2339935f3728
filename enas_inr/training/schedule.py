"""Schedules of the learning rate: its factor at each step."""

from __future__ import annotations

import math

from enas_inr.spec import TrainingSpec
from enas_inr.training.optimizers.base import Step


def rate_factor(training: TrainingSpec, number: int, total: int) -> float:
    """Return the factor of the learning rate.

    It rises linearly over the share `warmup` of the steps. From there it is 1 (`constant`), or
    falls from 1 to almost 0 at the last step, as half a cosine (`cosine`; Loshchilov and Hutter,
    ICLR 2017) or a line (`linear`).

    Args:
        training: settings with the schedule.
        number: number of the step, from 1.
        total: number of all steps.
    """
    warmup = int(training.warmup * total)
    if number <= warmup:
        return number / (warmup + 1)
    passed = (number - 1 - warmup) / (total - warmup)
    match training.schedule:
        case "constant":
            return 1.0
        case "linear":
            return 1.0 - passed
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * passed))


def steps_of(training: TrainingSpec, first: int, count: int, total: int) -> list[Step]:
    """Return `count` steps from number `first`, each with the factor of the schedule."""
    return [
        Step(number, rate_factor(training, number, total)) for number in range(first, first + count)
    ]
