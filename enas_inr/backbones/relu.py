"""ReLU networks on plain coordinates, the baseline (He et al., ICCV 2015, for the weights)."""

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
    bias_bound,
    dense_sizes,
)
from enas_inr.backbones.options import BiasInit, ReluOptions
from enas_inr.cost import NetShape


@final
@dataclass(frozen=True)
class Rectifier(Activation):
    """max(z, 0), with slope 0 at 0."""

    def value(self, z: Tensor) -> Tensor:
        """The positive part of z."""
        return torch.relu(z)

    def value_and_slope_(self, z: Tensor, out: Tensor) -> None:
        """The positive part of z to `out`, 1 where z > 0 and else 0 over z."""
        torch.clamp_min(z, 0, out=out)
        torch.gt(z, 0, out=z)


def rectified_layers(sizes: list[tuple[int, int]], bias_init: BiasInit) -> tuple[Layer, ...]:
    """ReLU layers of these (in, out) sizes, the last one linear, weights U(+-sqrt(6/in))."""
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
    """First layer, d hidden layers, linear output."""

    options: ReluOptions = ReluOptions()

    def layers(self, shape: NetShape) -> tuple[Layer, ...]:
        """The layers of a network of that shape."""
        sizes = dense_sizes(shape.in_features, shape.depth + 1, shape.width, shape.out_features)
        return rectified_layers(sizes, self.options.bias_init)
