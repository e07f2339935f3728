"""Evaluate learning curves: the smallest loss, the stopping point, and divergence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

JUDGED_AT = 0.2  # share of the steps after which a training is judged
LEAST_JUDGED = 50  # steps: a slow training is not a diverging one
LEARNED = 0.5  # share of the first loss that a training must have reached by then


@dataclass(frozen=True)
class CurveSummary:
    """Properties of the losses of one repeat.

    Attributes:
        steps: number of steps that count: up to the stop, or to the first loss that is not finite.
        best_step: the first step (from 1) with the smallest loss; None if no loss is finite.
        best_loss: the smallest loss.
        diverged_at: the first step whose loss is not finite.
        stopped: whether `patience` ran out.
    """

    steps: int
    best_step: int | None
    best_loss: float | None
    diverged_at: int | None
    stopped: bool


def summarise(losses: Float[Tensor, " steps"], patience: int) -> CurveSummary:
    """Apply the paper's rule: stop after `patience` steps without a new minimum, keep the minimum.

    The result depends only on the losses up to the stop; further training steps do not change it.
    """
    if not len(losses):
        return CurveSummary(0, None, None, None, False)
    finite = torch.isfinite(losses)
    diverged = None if bool(finite.all()) else int((~finite).int().argmax())
    valid = losses[:diverged]
    steps = torch.arange(len(valid))
    lowest = torch.cummin(valid, dim=0)
    # cummin returns the last of equal minima; a new minimum is smaller than all losses before it.
    is_new = torch.ones_like(steps, dtype=torch.bool)
    is_new[1:] = valid[1:] < lowest.values[:-1]
    last_new = torch.cummax(torch.where(is_new, steps, 0), dim=0).values
    late = (steps - last_new >= patience).nonzero()
    if len(late):
        stop = int(late[0])
        best = int(last_new[stop])
        return CurveSummary(stop + 1, best + 1, float(valid[best]), None, True)
    if diverged is not None:
        return CurveSummary(diverged + 1, None, None, diverged + 1, True)
    best = int(last_new[-1])
    return CurveSummary(len(losses), best + 1, float(valid[best]), None, False)


def has_diverged(losses: Float[Tensor, " done"], steps: int, untrained: float = 0.0) -> bool:
    """Whether a training has diverged: a loss is not finite, or nothing has been learned.

    Bounded activations such as a sine keep the loss finite when the learning rate is far too high;
    it then stays near or above the first loss. That is judged after a fifth of the steps, but not
    before step 50, by the losses of the second half of these.

    Args:
        losses: losses of the steps so far.
        steps: number of all steps.
        untrained: about the loss of a network that knows nothing, if the first loss may be that of
            one that was trained before.
    """
    if not bool(torch.isfinite(losses).all()):
        return True
    judged = max(int(JUDGED_AT * steps), LEAST_JUDGED)
    if len(losses) < judged:
        return False
    return bool(losses[judged // 2 : judged].min() > LEARNED * max(float(losses[0]), untrained))


def diverged_at(losses: Float[Tensor, " steps"]) -> int | None:
    """Return the step (from 1) at which the losses of a repeat say that it has diverged.

    That is the first one whose loss is not finite; or the second one, if the losses of at least 50
    steps have risen, so that the median of their second half is above the first loss. None if it
    has not diverged.

    Args:
        losses: losses of the steps that count.
    """
    finite = torch.isfinite(losses)
    if not bool(finite.all()):
        return int((~finite).int().argmax()) + 1
    if len(losses) < LEAST_JUDGED:
        return None
    return 2 if bool(losses[len(losses) // 2 :].median() > losses[0]) else None
