"""SIREN: sine activations with frequencies omega_0 (Sitzmann et al., NeurIPS 2020)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from enas_inr.backbones.layered import (
    Activation,
    Layer,
    LayeredBackbone,
    Loop,
    TensorLoop,
    bias_bound,
    dense_sizes,
)
from enas_inr.backbones.options import OMEGA_FIRST, SirenOptions
from enas_inr.backbones.rates import rate_by_size
from enas_inr.cost import NetShape

RATE_BY_SIZE = 0.076
RATE_BY_OMEGA = 1.0  # highest learning rate times the first omega_0, up to SHALLOW hidden layers
SHALLOW = 3
HIGHEST_RATE = 0.5 / OMEGA_FIRST


@final
@dataclass(frozen=True)
class Sine(Activation):
    """The sine of `z`; its frequency is the scale of the layer."""

    def value(self, z: Tensor) -> Tensor:
        """Return the sine of `z`."""
        return torch.sin(z)

    def value_and_slope_(self, z: Tensor, out: Tensor) -> None:
        """Write the sine of `z` to `out`, and overwrite `z` with the cosine."""
        torch.sin(z, out=out)
        torch.cos(z, out=z)

    def expression(self) -> str:
        """Return the sine for browsers."""
        return "sin(z)"

    def loop(self) -> Loop:
        """Return a loop that computes both together, four times as fast."""
        from enas_inr.backbones.loops import sine_loop

        return sine_loop

    def gpu_loop(self) -> TensorLoop:
        """Return a loop that computes both together on a GPU."""
        from enas_inr.backbones.triton_loops import sine_loop

        return sine_loop


@final
@dataclass(frozen=True)
class Siren(LayeredBackbone):
    """`sin(omega_0 (W x + b))` layers and a linear output.

    Weights: the first layer U(+-1/in), the others U(+-sqrt(6/in)/omega_hidden).
    """

    options: SirenOptions = SirenOptions()

    def learning_rate(self, shape: NetShape, points: int, steps: int) -> float:
        """Return a rate by the size, lower for a first omega_0 that is far above the usual 30."""
        parameters = self.cost(shape).parameters
        by_size = rate_by_size(RATE_BY_SIZE, shape, points, steps, parameters)
        deeper = max(shape.depth / SHALLOW, 1)
        by_omega = RATE_BY_OMEGA / (deeper * (self.options.omega_first or OMEGA_FIRST))
        return min(by_size, by_omega, HIGHEST_RATE)

    def layers(self, shape: NetShape) -> tuple[Layer, ...]:
        """Return a first layer, d hidden layers and a linear output."""
        sizes = dense_sizes(shape.in_features, shape.depth + 1, shape.width, shape.out_features)
        hidden = self.options.omega_hidden
        first = self.options.omega_first or OMEGA_FIRST
        layers = []
        for index, (fan_in, fan_out) in enumerate(sizes):
            last = index == len(sizes) - 1
            layers.append(
                Layer(
                    in_features=fan_in,
                    out_features=fan_out,
                    weight_bound=math.sqrt(6 / fan_in) / hidden if index else 1 / fan_in,
                    bias_bound=bias_bound(self.options.bias_init, fan_in, fan_out),
                    activation=None if last else Sine(),
                    scale=1.0 if last else hidden if index else first,
                )
            )
        return tuple(layers)
