"""Optimizers that break one rule each, and one that keeps all of them."""

import torch

from enas_inr.training.optimizers.base import Optimizer


class Right(Optimizer):
    """Gradient descent with momentum."""

    def __init__(self, training):
        pass

    def start(self, weights):
        return {"momentum": torch.zeros_like(weights.flat)}

    def update_(self, weights, gradient, state, step):
        state["momentum"].mul_(0.9).add_(gradient.flat)
        weights.flat.sub_(state["momentum"], alpha=step.rate)


class Scalar(Right):
    def start(self, weights):
        return super().start(weights) | {"count": torch.zeros(weights.members + 1)}


class Replacing(Right):
    def update_(self, weights, gradient, state, step):
        super().update_(weights, gradient, state, step)
        state["momentum"] = state["momentum"].clone()


class Idle(Right):
    def update_(self, weights, gradient, state, step):
        pass


class Dividing(Right):
    def update_(self, weights, gradient, state, step):
        weights.flat.sub_(gradient.flat / gradient.flat.norm(), alpha=step.rate)


class Ascending(Right):
    def update_(self, weights, gradient, state, step):
        weights.flat.add_(gradient.flat, alpha=step.rate)


class Stubborn(Right):
    def update_(self, weights, gradient, state, step):
        weights.flat.sub_(gradient.flat, alpha=0.01)


class Mixing(Right):
    """It clips the gradient of all members together."""

    def update_(self, weights, gradient, state, step):
        norm = gradient.flat.norm().clamp_min(1e-3)
        weights.flat.sub_(gradient.flat / norm, alpha=step.rate)


class Counting(Right):
    """It counts the updates itself."""

    def __init__(self, training):
        self.count = 0

    def update_(self, weights, gradient, state, step):
        self.count += 1
        weights.flat.sub_(gradient.flat, alpha=step.rate / self.count)
