"""FINER: sines with a variable period (Liu et al., CVPR 2024)."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np
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
from enas_inr.backbones.stages import decimal
from enas_inr.cost import NetShape
from enas_inr.spec import Options, Searchable

RATE_BY_SIZE, STEEPER = 0.063, 0.25
HIGHEST_RATE = 0.012


class FinerOptions(Options):
    """Options of `finer`.

    Attributes:
        omega: frequency of all layers, omega_0.
        first_bias: bound of the initial biases of the first layer; a larger one gives higher
            initial frequencies.
    """

    omega: Annotated[float, Searchable("10..60:log")] = Field(default=30.0, gt=0)
    first_bias: Annotated[float, Searchable("0.5..10:log")] = Field(default=1.0, ge=0)


@dataclass(frozen=True)
class VariablePeriodicSine(Activation):
    """`sin(omega (|z| + 1) z)`."""

    omega: float

    def value(self, z: Tensor) -> Tensor:
        """Return the sine of the warped `z`."""
        return torch.sin(self.omega * (z.abs() + 1) * z)

    def value_and_slope_(self, z: Tensor, out: Tensor) -> None:
        """Write the value to `out`, and overwrite `z` with the slope.

        The slope is `omega (2 |z| + 1) cos(omega (|z| + 1) z)`.
        """
        torch.abs(z, out=out)
        phase = (out + 1).mul_(z).mul_(self.omega)
        torch.cos(phase, out=z).mul_(out.mul_(2 * self.omega).add_(self.omega))
        torch.sin(phase, out=out)

    def expression(self) -> str:
        """Return the sine of the warped `z` for browsers."""
        return f"sin({decimal(self.omega)} * (abs(z) + 1.0) * z)"

    def loop(self) -> Loop:
        """Return a loop that does all of this in one pass."""
        from enas_inr_finer.loops import variable_sine_loop

        return partial(variable_sine_loop, np.float32(self.omega))

    def gpu_loop(self) -> TensorLoop:
        """Return a loop that does all of this in one pass on a GPU."""
        from enas_inr_finer.gpu_loops import variable_sine_loop

        return partial(variable_sine_loop, self.omega)


@dataclass(frozen=True)
class Finer(LayeredBackbone):
    """`sin(omega (|W x + b| + 1) (W x + b))` layers and a linear output; weights as in SIREN."""

    options: FinerOptions = FinerOptions()

    def learning_rate(self, shape: NetShape, points: int, steps: int) -> float:
        """Return a rate by the size (measured in docs/recipes.md)."""
        parameters = self.cost(shape).parameters
        by_size = rate_by_size(RATE_BY_SIZE, shape, points, steps, parameters, steeper=STEEPER)
        return min(by_size, HIGHEST_RATE)

    def layers(self, shape: NetShape) -> tuple[Layer, ...]:
        """Return the first layer, d hidden layers and the linear output layer."""
        sizes = dense_sizes(shape.in_features, shape.depth + 1, shape.width, shape.out_features)
        bounds = [math.sqrt(6 / fan_in) / self.options.omega for fan_in, _ in sizes]
        biases = [1 / math.sqrt(fan_in) for fan_in, _ in sizes]
        bounds[0], biases[0] = 1 / shape.in_features, self.options.first_bias
        sine = VariablePeriodicSine(self.options.omega)
        parts = zip(sizes, bounds, biases, strict=True)
        layers = [Layer(i, o, weight, bias, sine) for (i, o), weight, bias in parts]
        return (*layers[:-1], replace(layers[-1], activation=None))
