"""Adam (Kingma and Ba, ICLR 2015), the optimizer of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor
from torch.optim.adam import adam

from enas_inr.spec import TrainingSpec
from enas_inr.training import loops
from enas_inr.training.optimizers.base import DeviceStep, Numbers, Recordable, Step

__all__ = ["Adam"]


@final
class Adam(Recordable):
    """Adam with the betas and the epsilon of the training settings."""

    def __init__(self, training: TrainingSpec) -> None:
        self._betas, self._epsilon = training.betas, training.epsilon

    def start(self, weights: Numbers) -> dict[str, Tensor]:
        """Return both moments, which are zero."""
        return {
            "first_moment": torch.zeros_like(weights.flat),
            "second_moment": torch.zeros_like(weights.flat),
        }

    def update_(
        self, weights: Numbers, gradient: Numbers, state: Mapping[str, Tensor], step: Step
    ) -> None:
        """Update all numbers in one fused pass over the flat buffers."""
        if weights.flat.is_cpu and loops.available():
            loops.adam_(
                weights.flat.numpy(),
                gradient.flat.numpy(),
                state["first_moment"].numpy(),
                state["second_moment"].numpy(),
                self.numbers([step]),
            )
            return
        before = torch.full((), step.number - 1.0, device=weights.flat.device)
        self._fused_(weights, gradient, state, before, step.rate)

    def numbers(self, steps: Sequence[Step]) -> loops.AdamSteps:
        """Return what compiled code needs to know of some steps, whose rates are learning rates."""
        return loops.AdamSteps.of(steps, self._betas, self._epsilon)

    def record_(
        self,
        weights: Numbers,
        gradient: Numbers,
        state: Mapping[str, Tensor],
        step: DeviceStep,
    ) -> None:
        """Make the same update by torch's fused kernel, which takes both numbers as tensors."""
        self._fused_(weights, gradient, state, step.number - 1, step.rate)

    def _fused_(
        self,
        weights: Numbers,
        gradient: Numbers,
        state: Mapping[str, Tensor],
        before: Tensor,
        rate: float | Tensor,
    ) -> None:
        """Update all numbers, given the number of the step before, which is overwritten."""
        adam(
            [weights.flat],
            [gradient.flat],
            [state["first_moment"]],
            [state["second_moment"]],
            [],
            [before],
            fused=True,
            capturable=isinstance(rate, Tensor),
            amsgrad=False,
            beta1=self._betas[0],
            beta2=self._betas[1],
            lr=rate,
            weight_decay=0.0,
            eps=self._epsilon,
            maximize=False,
        )
