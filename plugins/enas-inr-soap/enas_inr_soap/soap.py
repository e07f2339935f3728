"""SOAP (Vyas et al., 2024): Adam in the eigenbasis of Shampoo's preconditioner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.spec import TrainingSpec
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Numbers, Optimizer, Step
from enas_inr_soap.options import SoapOptions

__all__ = ["Rotated", "Soap"]


@final
@dataclass(frozen=True, eq=False)
class Rotated:
    """The state of the hidden matrices of one layer; all tensors are views of the run's state.

    Attributes:
        left: decaying mean of G G^T, where G is the gradient.
        right: decaying mean of G^T G.
        left_basis: orthonormal columns near the eigenvectors of `left`, largest value first.
        right_basis: the same for `right`.
        first_moment: decaying mean of the gradient in the two bases.
        second_moment: decaying mean of the square of the gradient in the two bases.
    """

    left: Float[Tensor, "members n n"]
    right: Float[Tensor, "members n n"]
    left_basis: Float[Tensor, "members n n"]
    right_basis: Float[Tensor, "members n n"]
    first_moment: Float[Tensor, "members n n"]
    second_moment: Float[Tensor, "members n n"]

    @staticmethod
    def names(index: int) -> list[str]:
        """Return the names of these tensors in the state, for the layer with this index."""
        return [f"{field.name}.{index}" for field in fields(Rotated)]

    def rotate(self, matrices: Float[Tensor, "members n n"]) -> Float[Tensor, "members n n"]:
        """Return matrices in the two bases."""
        return self.left_basis.mT @ matrices @ self.right_basis

    def rotate_back(self, matrices: Float[Tensor, "members n n"]) -> Float[Tensor, "members n n"]:
        """Return matrices that are given in the two bases."""
        return self.left_basis @ matrices @ self.right_basis.mT

    def observe_(self, slope: Float[Tensor, "members n n"], decay: float) -> None:
        """Add a gradient to the means of its products."""
        self.left.baddbmm_(slope, slope.mT, beta=decay, alpha=1 - decay)
        self.right.baddbmm_(slope.mT, slope, beta=decay, alpha=1 - decay)

    def find_bases_(self) -> None:
        """Set the bases to the eigenvectors; both moments must be zero."""
        for basis, products in ((self.left_basis, self.left), (self.right_basis, self.right)):
            basis.copy_(torch.linalg.eigh(products).eigenvectors.flip(2))

    def refresh_bases_(self) -> None:
        """Take one step of power iteration towards the eigenvectors, and take the moments along.

        The first moment is rotated into the new bases. The second, which cannot be rotated, is
        only put into their order.
        """
        first = self.rotate_back(self.first_moment)
        by_row = _refresh_(self.left_basis, self.left)
        by_column = _refresh_(self.right_basis, self.right)
        second = self.second_moment
        second = second.gather(1, by_row.unsqueeze(2).expand_as(second))
        second = second.gather(2, by_column.unsqueeze(1).expand_as(second))
        self.second_moment.copy_(second)
        self.first_moment.copy_(self.rotate(first))


def _refresh_(
    basis: Float[Tensor, "members n n"], products: Float[Tensor, "members n n"]
) -> Tensor:
    """Refresh one basis in place.

    Returns:
        For each new column the number of the old one that it comes from, `members n`.
    """
    image = products @ basis
    order = (basis * image).sum(dim=1).argsort(dim=1, descending=True, stable=True)
    ordered = image.gather(2, order.unsqueeze(1).expand_as(image))
    basis.copy_(torch.linalg.qr(ordered).Q)
    return order


@final
class Soap(Optimizer):
    """Adam in slowly moving eigenbases for the hidden w x w matrices; Adam for all else.

    Decay rates of the moments and epsilon are those of Adam.
    """

    rate_factor = 1.4  # measured in README.md

    def __init__(self, training: TrainingSpec, options: SoapOptions = SoapOptions()) -> None:
        self._adam, self._options = Adam(training), options
        self._betas, self._epsilon = training.betas, training.epsilon

    def start(self, weights: Numbers) -> dict[str, Tensor]:
        """Return the state of each layer of hidden matrices, and the moments of Adam."""
        layers = {
            name: torch.zeros_like(matrix, memory_format=torch.contiguous_format)
            for index, matrix in enumerate(weights.matrices)
            for name in Rotated.names(index)
        }
        return layers | self._adam.start(weights)

    def update_(
        self, weights: Numbers, gradient: Numbers, state: Mapping[str, Tensor], step: Step
    ) -> None:
        """Update the matrices, then the other numbers."""
        for index, (matrix, slope) in enumerate(
            zip(weights.matrices, gradient.matrices, strict=True)
        ):
            layer = Rotated(*(state[name] for name in Rotated.names(index)))
            layer.observe_(slope, self._options.decay)
            if step.number == 1:
                # The first gradient only gives the bases. It is diagonal in them, so that Adam
                # would turn the roundings beside the diagonal into numbers of the size of the
                # learning rate.
                layer.find_bases_()
            else:
                direction = self._direction(layer, slope, step.number - 1)
                matrix.sub_(direction, alpha=step.rate * self._options.factor)
                if step.number % self._options.every == 0:
                    layer.refresh_bases_()
            slope.zero_()  # Adam, whose moments then stay zero, does not change the matrix
        self._adam.update_(weights, gradient, state, step)

    def _direction(
        self, layer: Rotated, slope: Float[Tensor, "members n n"], count: int
    ) -> Float[Tensor, "members n n"]:
        """Return the direction of Adam for its update with number `count`."""
        first_decay, second_decay = self._betas
        rotated = layer.rotate(slope)
        first, second = layer.first_moment, layer.second_moment
        first.lerp_(rotated, 1 - first_decay)
        second.mul_(second_decay).addcmul_(rotated, rotated, value=1 - second_decay)
        size = (second / (1 - second_decay**count)).sqrt_().add_(self._epsilon)
        return layer.rotate_back(first / (1 - first_decay**count) / size)
