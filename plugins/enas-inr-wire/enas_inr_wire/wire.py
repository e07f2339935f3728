"""WIRE: networks of complex Gabor wavelets (Saragadam et al., CVPR 2023).

The hidden layers are complex, so the class derives from `Backbone` and is trained by autograd.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.backbones.layered import bias_name, dense_sizes, weight_name
from enas_inr.backbones.stages import Dense, Stage, decimal
from enas_inr.cost import NetCost, NetShape
from enas_inr.spec import Options, Searchable

RATE_BY_SIZE = 0.06


class WireOptions(Options):
    """Options of `wire`.

    Attributes:
        omega: frequency of the wavelets, omega_0.
        scale: scale s_0 of their Gaussian window; a larger one gives narrower wavelets.
    """

    omega: Annotated[float, Searchable("5..40:log")] = Field(default=10.0, gt=0)
    scale: Annotated[float, Searchable("2..20:log")] = Field(default=5.0, gt=0)


@dataclass(frozen=True)
class Wire(Backbone):
    """`exp(i omega z - |scale z|^2)` with `z = W x + b`, and the real part of a linear output.

    The first layer is real, and all others are complex. The source reduces the width by sqrt(2) to
    keep the number of parameters; here the width is the number of complex units.
    """

    options: WireOptions = WireOptions()

    def learning_rate(self, shape: NetShape, points: int, steps: int) -> float:
        """Return a rate that falls with the width and the depth (measured in docs/recipes.md)."""
        return RATE_BY_SIZE / (shape.width * math.sqrt(max(shape.depth, 1)))

    def init(self, shape: NetShape, seeds: Sequence[int]) -> Params:
        """Draw weights `members out in` and biases `members out` of each layer."""
        members = [self._draw(shape, torch.Generator().manual_seed(seed)) for seed in seeds]
        return {name: torch.stack([leaves[name] for leaves in members]) for name in members[0]}

    def forward(
        self, shape: NetShape, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points out"]:
        """Apply the layers, and return the real part of the output."""
        h: Tensor = x
        for index in range(shape.depth + 2):
            weight, bias = params[weight_name(index)], params[bias_name(index)]
            h = torch.baddbmm(bias.unsqueeze(1), h, weight.transpose(1, 2))
            h = h if index > shape.depth else self._wavelet(h)
        return h.real

    def stages(self, shape: NetShape, constants: Params) -> tuple[Stage, ...]:
        """Return the layers; with z = x + iy, the wavelet is a window times a cosine and a sine."""
        omega, scale = decimal(self.options.omega), decimal(self.options.scale**2)
        window = f"exp(-{omega} * y - {scale} * (x * x + y * y))"
        wavelet = f"{window} * cos({omega} * x)", f"{window} * sin({omega} * x)"
        return tuple(
            Dense(weight_name(index), bias_name(index), None if index > shape.depth else wavelet)
            for index in range(shape.depth + 2)
        )

    def cost(self, shape: NetShape) -> NetCost:
        """Return the cost: a complex multiply-add counts as four, a complex number as two."""
        (fan_in, fan_out), *inner = _sizes(shape)
        return NetCost(
            macs_per_sample=fan_in * fan_out + 4 * sum(i * o for i, o in inner),
            parameters=(fan_in + 1) * fan_out + 2 * sum((i + 1) * o for i, o in inner),
        )

    def _wavelet(self, z: Tensor) -> Tensor:
        window = -(self.options.scale**2) * (z * z.conj()).real
        return torch.exp(1j * self.options.omega * z + window)

    def _draw(self, shape: NetShape, generator: torch.Generator) -> dict[str, Tensor]:
        leaves = {}
        for index, (fan_in, fan_out) in enumerate(_sizes(shape)):
            for name, size in (
                (weight_name(index), (fan_out, fan_in)),
                (bias_name(index), (fan_out,)),
            ):
                parts = torch.rand(*size, 2 if index else 1, generator=generator)
                uniform = (2 * parts - 1) / math.sqrt(fan_in)
                leaves[name] = torch.view_as_complex(uniform) if index else uniform[..., 0]
        return leaves


def _sizes(shape: NetShape) -> list[tuple[int, int]]:
    return dense_sizes(shape.in_features, shape.depth + 1, shape.width, shape.out_features)
