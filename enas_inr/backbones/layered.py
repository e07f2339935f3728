"""Backbones that consist of an encoding followed by linear layers with activations.

Such a backbone only declares its layers. Initialisation, evaluation and cost follow from them, and
the trainer can use hand-written kernels, which need the value and the slope of each activation.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.backbones.options import BiasInit
from enas_inr.backbones.stages import Dense, Stage
from enas_inr.cost import NetCost, NetShape

__all__ = [
    "Activation",
    "Encoding",
    "Layer",
    "LayeredBackbone",
    "Loop",
    "NoEncoding",
    "Rows",
    "TensorLoop",
    "bias_bound",
    "bias_name",
    "dense_sizes",
    "weight_name",
]


Rows = NDArray[np.float32]
"""Numbers `members features points`, C-contiguous, in the memory of the CPU."""

Loop = Callable[[Rows, Rows], None]
"""Called as `loop(z, out)`: writes the function of `z` to `out`, and overwrites `z` with the slope.

`out` may have more features than `z`; the loop must leave these alone.
"""

TensorLoop = Callable[[Tensor, Tensor], None]
"""The same for contiguous tensors `members features points` on a GPU."""


class Activation(ABC):
    """An elementwise function with a known derivative. Equal activations must compare equal."""

    def expression(self) -> str | None:
        """Return the function as text for browsers (`enas-inr view`), or None if there is none.

        The text is an expression of `z`, such as `max(z, 0.0)`: see
        `enas_inr.backbones.stages.check_expression`.
        """
        return None

    @abstractmethod
    def value(self, z: Tensor) -> Tensor:
        """Return the function of `z`, differentiable."""

    @abstractmethod
    def value_and_slope_(self, z: Tensor, out: Tensor) -> None:
        """Write the function of `z` to `out`, and overwrite `z` with the derivative."""

    def loop(self) -> Loop | None:
        """Return a loop that does the same in one pass on a CPU, or None to leave it to torch.

        It is worth writing where torch needs several passes; see `enas_inr.backbones.loops`. The
        trainer uses it only if it is compiled, and `value_and_slope_` everywhere else.
        """
        return None

    def gpu_loop(self) -> TensorLoop | None:
        """Return a loop that does the same in one pass on a GPU, or None to leave it to torch.

        See `enas_inr.backbones.triton_loops`. It may raise an ImportError where Triton is absent;
        the trainer then uses `value_and_slope_`.
        """
        return None


@dataclass(frozen=True)
class Layer:
    """`activation(scale * (W x + b))` with `W` and `b` drawn uniformly.

    Attributes:
        weight_bound: initial weights are drawn from U(-bound, bound).
        bias_bound: initial biases are drawn from U(-bound, bound).
        activation: None for a linear output.
        scale: factor before the activation, such as omega_0 of SIREN.
    """

    in_features: int
    out_features: int
    weight_bound: float
    bias_bound: float
    activation: Activation | None = None
    scale: float = 1.0


class Encoding(ABC):
    """A fixed map from coordinates to features, before the first layer."""

    def stages(self, params: Params) -> tuple[Stage, ...] | None:
        """Return stages that do the same, for browsers (`enas-inr view`), or None."""
        return None

    @abstractmethod
    def features(self, in_features: int) -> int:
        """Return the number of features for that many coordinates."""

    @abstractmethod
    def init(self, in_features: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw the constants of one member."""

    @abstractmethod
    def apply(
        self, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points features"]:
        """Encode each member's points."""


@dataclass(frozen=True)
class NoEncoding(Encoding):
    """The identity: the features are the coordinates."""

    def stages(self, params: Params) -> tuple[Stage, ...]:
        """Return no stages."""
        return ()

    def features(self, in_features: int) -> int:
        """Return the number of coordinates."""
        return in_features

    def init(self, in_features: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Return no constants."""
        return {}

    def apply(
        self, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points features"]:
        """Return the coordinates."""
        return x


def weight_name(index: int) -> str:
    """Return the name of the weights of a layer, a leaf `members out in`."""
    return f"layers.{index}.weight"


def bias_name(index: int) -> str:
    """Return the name of the biases of a layer, a leaf `members out`."""
    return f"layers.{index}.bias"


def bias_bound(kind: BiasInit, in_features: int, out_features: int) -> float:
    """Return the bound of a layer's initial biases by its name (see `options.BiasInit`).

    Raises:
        ValueError: `paper`, which depends on the grid: resolve the options first.
    """
    match kind:
        case "fan_in":
            return 1 / math.sqrt(in_features)
        case "fan_product":
            return 1 / math.sqrt(in_features * out_features)
        case "zeros":
            return 0.0
        case "paper":
            raise ValueError("bias_init 'paper' depends on the grid: resolve the options first")


def dense_sizes(inputs: int, hidden: int, width: int, outputs: int) -> list[tuple[int, int]]:
    """Return (in, out) of each layer of a network with `hidden` hidden layers of `width` units."""
    sizes = [inputs, *[width] * hidden, outputs]
    return list(itertools.pairwise(sizes))


class LayeredBackbone(Backbone):
    """A backbone of layers. A subclass declares the layers; everything else is final."""

    @property
    def encoding(self) -> Encoding:
        """The encoding before the first layer; the identity unless a subclass has another one."""
        return NoEncoding()

    @abstractmethod
    def layers(self, shape: NetShape) -> tuple[Layer, ...]:
        """Return the layers of a network, from the encoded coordinates to the channels."""

    @final
    def init(self, shape: NetShape, seeds: Sequence[int]) -> Params:
        """Draw constants, then weights and biases by layer; each member has its random stream."""
        layers = self.layers(shape)
        constants, draws = [], []
        for seed in seeds:
            generator = torch.Generator().manual_seed(seed)
            constants.append(self.encoding.init(shape.in_features, generator))
            numbers = sum((layer.in_features + 1) * layer.out_features for layer in layers)
            draws.append(torch.rand(numbers, generator=generator))
        uniform = torch.stack(draws).mul_(2).sub_(1)
        params = {name: torch.stack([c[name] for c in constants]) for name in constants[0]}
        start = 0
        for index, layer in enumerate(layers):
            rows, columns = layer.out_features, layer.in_features
            weight = uniform[:, start : start + rows * columns]
            bias = uniform[:, start + rows * columns : start + rows * (columns + 1)]
            start += rows * (columns + 1)
            shaped = weight.reshape(-1, rows, columns)
            params[weight_name(index)] = shaped * layer.weight_bound
            params[bias_name(index)] = bias * layer.bias_bound
        return params

    @final
    def forward(
        self, shape: NetShape, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points out"]:
        """Encode the points, then apply the layers."""
        h = self.encoding.apply(params, x)
        for index, layer in enumerate(self.layers(shape)):
            weight, bias = params[weight_name(index)], params[bias_name(index)]
            h = layer.scale * torch.baddbmm(bias.unsqueeze(1), h, weight.transpose(1, 2))
            h = layer.activation.value(h) if layer.activation else h
        return h

    @final
    def stages(self, shape: NetShape, constants: Params) -> tuple[Stage, ...] | None:
        """Return those of the encoding, then one for each layer."""
        encoded = self.encoding.stages(constants)
        if encoded is None:
            return None
        stages = list(encoded)
        for index, layer in enumerate(self.layers(shape)):
            text = layer.activation.expression() if layer.activation else None
            if layer.activation and text is None:
                return None
            stages.append(Dense(weight_name(index), bias_name(index), text, layer.scale))
        return tuple(stages)

    @final
    def cost(self, shape: NetShape) -> NetCost:
        """Count the layers for each sample, and the constants of the encoding once."""
        layers = self.layers(shape)
        drawn = self.encoding.init(shape.in_features, torch.Generator().manual_seed(0))
        constants = sum(leaf.numel() for leaf in drawn.values())
        return NetCost(
            macs_per_sample=sum(layer.in_features * layer.out_features for layer in layers),
            parameters=sum((layer.in_features + 1) * layer.out_features for layer in layers),
            macs_once=constants,
            constants=constants,
        )
