"""ReLU networks on plain coordinates, as a baseline (weights: He et al., ICCV 2015)."""

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
from enas_inr.backbones.options import BiasInit, ReluOptions
from enas_inr.cost import NetShape

RATE_BY_SIZE = 0.125


@final
@dataclass(frozen=True)
class Rectifier(Activation):
    """max(z, 0), with slope 0 at 0."""

    def value(self, z: Tensor) -> Tensor:
        """Return the positive part of `z`."""
        return torch.relu(z)

    def value_and_slope_(self, z: Tensor, out: Tensor) -> None:
        """Write the positive part of `z` to `out`; overwrite `z` with 1 where positive, else 0."""
        torch.clamp_min(z, 0, out=out)
        torch.gt(z, 0, out=z)

    def expression(self) -> str:
        """Return the positive part for browsers."""
        return "max(z, 0.0)"

    def loop(self) -> Loop:
        """Return a loop that does both in one pass, about twice as fast."""
        from enas_inr.backbones.loops import rectifier_loop

        return rectifier_loop

    def gpu_loop(self) -> TensorLoop:
        """Return a loop that does both in one pass on a GPU."""
        from enas_inr.backbones.triton_loops import rectifier_loop

        return rectifier_loop


def rectified_layers(sizes: list[tuple[int, int]], bias_init: BiasInit) -> tuple[Layer, ...]:
    """Return ReLU layers of these (in, out) sizes, the last one linear; weights U(+-sqrt(6/in))."""
    return tuple(
        Layer(
            in_features=fan_in,
            out_features=fan_out,
            weight_bound=math.sqrt(6 / fan_in),
            bias_bound=bias_bound(bias_init, fan_in, fan_out),
            activation=Rectifier() if index < len(sizes) - 1 else None,
        )
        for index, (fan_in, fan_out) in enumerate(sizes)
    )


@final
@dataclass(frozen=True)
class Relu(LayeredBackbone):
    """A first layer, d hidden layers and a linear output."""

    options: ReluOptions = ReluOptions()

    def learning_rate(self, shape: NetShape, points: int, steps: int) -> float:
        """Return a rate that falls with the width and the depth."""
        return RATE_BY_SIZE / math.sqrt(shape.width * max(shape.depth, 1))

    def layers(self, shape: NetShape) -> tuple[Layer, ...]:
        """Return the layers of a network of that shape."""
        sizes = dense_sizes(shape.in_features, shape.depth + 1, shape.width, shape.out_features)
        return rectified_layers(sizes, self.options.bias_init)
