"""The compiled loops of a training step on a CPU, and whether they can be used.

Where numba is absent, or has nowhere to cache what it compiles, torch does everything, somewhat
more slowly; this is logged once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from enas_inr.backbones.layered import Activation, Loop, Rows
from enas_inr.backbones.loops import FAST, compiled, is_compiled
from enas_inr.training.optimizers.base import Step

Flat = NDArray[np.float32]

logger = logging.getLogger(__name__)


@compiled
def multiply_(numbers: Rows, factors: Rows) -> None:
    """Multiply numbers by factors of the same shape, in place."""
    for member in range(numbers.shape[0]):
        for feature in range(numbers.shape[1]):
            row, other = numbers[member, feature], factors[member, feature]
            for point in range(row.size):
                row[point] *= other[point]


def _adam_(
    weights: Flat,
    gradient: Flat,
    first_moment: Flat,
    second_moment: Flat,
    rate: np.float32,
    correction: np.float32,
    rest1: np.float32,
    beta2: np.float32,
    rest2: np.float32,
    epsilon: np.float32,
) -> None:
    for index in range(weights.size):
        slope = gradient[index]
        first = first_moment[index] + rest1 * (slope - first_moment[index])
        second = beta2 * second_moment[index] + rest2 * slope * slope
        first_moment[index] = first
        second_moment[index] = second
        weights[index] -= rate * first / (np.sqrt(second) * correction + epsilon)


adam_loop = compiled(_adam_, fastmath=FAST)
"""Makes one step of Adam in one pass over contiguous numbers, in place."""


class AdamSteps(NamedTuple):
    """The numbers that `adam_loop` takes for some steps.

    Attributes:
        rates: learning rate of each step, with the correction of the first moment.
        corrections: correction of the root of the second moment, for each step.
        rest1: what the first moment takes of the gradient.
        beta2: decay of the second moment.
        rest2: what the second moment takes of the squared gradient.
        epsilon: added to the root of the second moment.
    """

    rates: Flat
    corrections: Flat
    rest1: np.float32
    beta2: np.float32
    rest2: np.float32
    epsilon: np.float32

    @classmethod
    def of(cls, steps: Sequence[Step], betas: tuple[float, float], epsilon: float) -> AdamSteps:
        """Return the numbers of steps, whose rates are learning rates."""
        beta1, beta2 = betas
        rates = [step.rate / (1 - beta1**step.number) for step in steps]
        single = np.float32
        with np.errstate(over="ignore"):  # an infinite rate gives losses that are not finite
            return cls(
                np.array(rates, single),
                np.array([(1 - beta2**step.number) ** -0.5 for step in steps], single),
                single(1 - beta1),
                single(beta2),
                single(1 - beta2),
                single(epsilon),
            )


def adam_(
    weights: Flat, gradient: Flat, first_moment: Flat, second_moment: Flat, adam: AdamSteps
) -> None:
    """Make the first of some steps of Adam with contiguous numbers, in place."""
    rate, correction, *others = adam
    adam_loop(weights, gradient, first_moment, second_moment, rate[0], correction[0], *others)


@cache
def available() -> bool:
    """Whether the loops of this module can be used; logs once if they cannot."""
    reason = "numba is not installed, is switched off, or has no folder to cache compiled code in"
    if is_compiled(multiply_):
        try:
            some = np.ones((1, 1, 1), np.float32)
            multiply_(some, some)
            flat = np.ones(1, np.float32)
            adam_(flat, flat, flat, flat, AdamSteps.of([Step(1, 0.0)], (0.9, 0.999), 1e-8))
            return True
        except Exception as error:  # whatever numba, LLVM or the cache may raise
            reason = f"numba fails: {error}"
    logger.warning("training with torch's operations alone, which is slower: %s", reason)
    return False


def loop_of(activation: Activation) -> Loop | None:
    """Return the compiled loop of an activation, or None if torch has to do its work."""
    return _working_loop(activation) if available() else None


@lru_cache(maxsize=1024)
def _working_loop(activation: Activation) -> Loop | None:
    """Return a compiled loop after a first call, which compiles it; logs if it fails."""
    try:
        loop = activation.loop()
        if loop is None or not is_compiled(loop):
            return None
        loop(np.ones((1, 1, 1), np.float32), np.ones((1, 2, 1), np.float32))
    except Exception as error:
        name = type(activation).__name__
        logger.warning("torch computes %s, since its compiled loop fails: %s", name, error)
        return None
    return loop
