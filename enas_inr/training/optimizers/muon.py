"""Muon (Jordan et al., 2024): orthogonalised momentum for hidden matrices, Adam for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.spec import TrainingSpec
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import DeviceStep, Numbers, Recordable, Step
from enas_inr.training.optimizers.options import MuonOptions

# The quintic polynomial of the reference implementation: singular values from 0.001 to 1 end
# between about 0.7 and 1.2 after five iterations.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
SMALLEST_NORM = 1e-7


@final
class Muon(Recordable):
    """Nesterov momentum, orthogonalised, for the hidden w x w matrices; Adam for all else."""

    def __init__(self, training: TrainingSpec, options: MuonOptions) -> None:
        self._adam, self._options = Adam(training), options

    def start(self, weights: Numbers) -> dict[str, Tensor]:
        """Return the momentum of each matrix, and the moments of Adam."""
        momenta = {
            _name(index): torch.zeros_like(matrix, memory_format=torch.contiguous_format)
            for index, matrix in enumerate(weights.matrices)
        }
        return momenta | self._adam.start(weights)

    def update_(
        self, weights: Numbers, gradient: Numbers, state: Mapping[str, Tensor], step: Step
    ) -> None:
        """Update the matrices, then the other numbers."""
        for matrix, direction in self._directions(weights, gradient, state):
            matrix.sub_(direction, alpha=step.rate * self._options.factor)
        self._adam.update_(weights, gradient, state, step)

    def record_(
        self,
        weights: Numbers,
        gradient: Numbers,
        state: Mapping[str, Tensor],
        step: DeviceStep,
    ) -> None:
        """Make the same updates."""
        for matrix, direction in self._directions(weights, gradient, state):
            matrix.addcmul_(direction, step.rate, value=-self._options.factor)
        self._adam.record_(weights, gradient, state, step)

    def _directions(
        self, weights: Numbers, gradient: Numbers, state: Mapping[str, Tensor]
    ) -> Iterator[tuple[Float[Tensor, "members n n"], Float[Tensor, "members n n"]]]:
        """Yield the matrices with their directions; update the momenta, and clear the gradients."""
        options = self._options
        for index, (matrix, slope) in enumerate(
            zip(weights.matrices, gradient.matrices, strict=True)
        ):
            momentum = state[_name(index)]
            momentum.lerp_(slope, 1 - options.momentum)
            yield (
                matrix,
                orthogonalise(slope.lerp(momentum, options.momentum), options.iterations),
            )
            slope.zero_()  # Adam, whose moments then stay zero, does not change the matrix


def _name(index: int) -> str:
    return f"momentum.{index}"


def orthogonalise(
    matrices: Float[Tensor, "members n n"], iterations: int
) -> Float[Tensor, "members n n"]:
    """Return approximately U V^T for each matrix U S V^T, by Newton-Schulz iterations."""
    a, b, c = COEFFICIENTS
    norms = torch.linalg.matrix_norm(matrices, keepdim=True)
    x: Tensor = matrices / (norms + SMALLEST_NORM)
    for _ in range(iterations):
        gram = torch.bmm(x, x.transpose(1, 2))
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x
