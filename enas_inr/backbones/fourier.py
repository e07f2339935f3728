"""Fourier features: a ReLU network on random sines and cosines (Tancik et al., NeurIPS 2020)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.backbones.layered import Encoding, Layer, LayeredBackbone, dense_sizes
from enas_inr.backbones.options import FourierOptions
from enas_inr.backbones.relu import rectified_layers
from enas_inr.backbones.stages import Dense
from enas_inr.cost import NetShape

RATE_BY_SIZE = 0.08


@final
@dataclass(frozen=True)
class GaussianMapping(Encoding):
    """`[cos 2 pi B u, sin 2 pi B u]` with B ~ N(0, sigma^2) and u = (x + 1) / 2 in [0, 1].

    The source takes coordinates in [0, 1], so sigma counts periods per cell.
    """

    size: int
    sigma: float

    def features(self, in_features: int) -> int:
        """Two features for each row of B: a cosine and a sine."""
        return 2 * self.size

    def init(self, in_features: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw the matrix B of one member, `size in`."""
        drawn = torch.randn(self.size, in_features, generator=generator)
        return {"mapping": drawn * self.sigma}

    def apply(
        self, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points features"]:
        """Return the cosines, then the sines."""
        phase = math.pi * torch.bmm(x + 1, params["mapping"].transpose(1, 2))
        return torch.cat([torch.cos(phase), torch.sin(phase)], dim=2)

    def stages(self, params: Params) -> tuple[Dense, ...]:
        """Return one stage of sines, since a cosine is a sine that is a quarter period ahead."""
        mapping = params["mapping"]
        bias = mapping.sum(dim=2)
        weights, biases = torch.cat([mapping, mapping], dim=1), torch.cat([bias + 0.5, bias], dim=1)
        return (Dense(weights, biases, "sin(z)", math.pi),)


@final
@dataclass(frozen=True)
class Fourier(LayeredBackbone):
    """A Fourier mapping instead of a first layer, then d hidden layers and a linear output."""

    constants = ("mapping",)
    options: FourierOptions = FourierOptions()

    def learning_rate(self, shape: NetShape, points: int, steps: int) -> float:
        """Return a rate that falls with the width and the depth."""
        return RATE_BY_SIZE / (shape.width * math.sqrt(max(shape.depth, 1)))

    @property
    def encoding(self) -> GaussianMapping:
        """The Fourier mapping with the options' size and sigma."""
        return GaussianMapping(self.options.mapping_size, self.options.sigma)

    def layers(self, shape: NetShape) -> tuple[Layer, ...]:
        """Return the layers after the mapping."""
        features = self.encoding.features(shape.in_features)
        sizes = dense_sizes(features, shape.depth, shape.width, shape.out_features)
        return rectified_layers(sizes, self.options.bias_init)
