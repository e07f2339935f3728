"""Networks with Gaussian activations (Ramasinghe and Lucey, ECCV 2022)."""

from dataclasses import dataclass, replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from enas_inr.backbones.layered import (
    Activation,
    Layer,
    LayeredBackbone,
    Loop,
    TensorLoop,
    dense_sizes,
)
from enas_inr.backbones.rates import rate_by_size
from enas_inr.cost import NetShape
from enas_inr.spec import Options, Searchable

RATE_BY_SIZE, STEEPER = 0.082, 0.5


class GaussOptions(Options):
    """Options of `gauss`.

    Attributes:
        sigma: standard deviation of the activations; a smaller one gives higher frequencies.
    """

    sigma: Annotated[float, Searchable("0.03..0.3:log")] = Field(default=0.1, gt=0)


@dataclass(frozen=True)
class Bell(Activation):
    """`exp(-z^2 / 2)`; the scale of the layer contains the standard deviation."""

    def value(self, z: Tensor) -> Tensor:
        """Return the Gaussian of `z`."""
        return torch.exp(-z.square() / 2)

    def value_and_slope_(self, z: Tensor, out: Tensor) -> None:
        """Write the Gaussian of `z` to `out`, and overwrite `z` with its slope."""
        torch.mul(z, z, out=out).mul_(-0.5).exp_()
        z.mul_(out).neg_()

    def expression(self) -> str:
        """Return the Gaussian for browsers."""
        return "exp(-0.5 * z * z)"

    def loop(self) -> Loop:
        """Return a loop that does all of this in one pass."""
        from enas_inr_gauss.loops import bell_loop

        return bell_loop

    def gpu_loop(self) -> TensorLoop:
        """Return a loop that does all of this in one pass on a GPU."""
        from enas_inr_gauss.gpu_loops import bell_loop

        return bell_loop


@dataclass(frozen=True)
class Gauss(LayeredBackbone):
    """`exp(-(W x + b)^2 / (2 sigma^2))` layers and a linear output."""

    options: GaussOptions = GaussOptions()

    def learning_rate(self, shape: NetShape, points: int, steps: int) -> float:
        """Return a rate by the size (measured in docs/recipes.md)."""
        parameters = self.cost(shape).parameters
        return rate_by_size(RATE_BY_SIZE, shape, points, steps, parameters, steeper=STEEPER)

    def layers(self, shape: NetShape) -> tuple[Layer, ...]:
        """Return the first layer, d hidden layers and the linear output layer."""
        sizes = dense_sizes(shape.in_features, shape.depth + 1, shape.width, shape.out_features)
        scale = 1 / self.options.sigma
        layers = [Layer(i, o, i**-0.5, i**-0.5, Bell(), scale) for i, o in sizes]
        return (*layers[:-1], replace(layers[-1], activation=None, scale=1.0))
