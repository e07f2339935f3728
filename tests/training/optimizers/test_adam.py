"""Adam of a chunk equals Adam of torch."""

import torch

from enas_inr.spec import TrainingSpec
from enas_inr.testing.optimizer import toy_gradient, toy_weights
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Step


def test_three_updates_equal_those_of_torch():
    weights, expected = toy_weights(2), toy_weights(2).flat.clone().requires_grad_()
    spec = TrainingSpec(betas=(0.8, 0.95), epsilon=1e-6)
    ours = Adam(spec)
    torchs = torch.optim.Adam([expected], betas=spec.betas, eps=spec.epsilon)
    state = ours.start(weights)
    for number, rate in enumerate((0.1, 0.05, 0.01), start=1):
        gradient = toy_gradient(weights)
        torchs.param_groups[0]["lr"] = rate
        expected.grad = gradient.flat.clone()
        torchs.step()
        ours.update_(weights, gradient, state, Step(number, rate))
    assert torch.allclose(weights.flat, expected.detach(), rtol=1e-5, atol=1e-6)
