"""Learned feature grids with a tiny network (after Mueller et al., Instant-NGP, 2022)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.backbones.layered import bias_name, dense_sizes, weight_name
from enas_inr.backbones.stages import Dense, Lookup, Stage
from enas_inr.cost import NetCost, NetShape
from enas_inr_grid.interpolation import PRIMES, Level, interpolate
from enas_inr_grid.options import GridOptions, resolutions, rows

GAIN = 10.0
"""Features are this many times the numbers that are stored. Adam changes all numbers at the same
rate, and features need a higher one than weights: at a rate of 1e-3, as in the profile `smooth`, a
photograph ends 8 dB higher than with a gain of 1."""

FEATURE_BOUND = 0.01
"""Initial features from U(+-1e-4), as in the publication, to U(+-0.1) end within 1 dB of each
other; with U(+-0.5), a sound ends 10 dB lower."""

FITTED_RATE = 0.02
"""About the best rate of Adam with the profile `tuned`, for widths from 8 to 64."""


@dataclass(frozen=True)
class Grid(Backbone):
    """Features interpolated on grids of several resolutions, then layers with ReLU.

    Each member has grids of its own, in the coordinates of its cell. The features of all levels
    are the input of a network with d + 1 layers of width w and a linear output.
    """

    options: GridOptions = GridOptions()

    def learning_rate(self, shape: NetShape, points: int, steps: int) -> float:
        """Return one rate for all shapes, which differ little in their best one."""
        return FITTED_RATE

    def levels(self, shape: NetShape) -> tuple[Level, ...]:
        """Return the levels from the coarsest to the finest."""
        options = self.options
        return tuple(
            Level(
                resolution,
                rows(resolution, shape.in_features, options.table),
                smooth=options.interpolation == "smooth",
            )
            for resolution in resolutions(options)
        )

    def init(self, shape: NetShape, seeds: Sequence[int]) -> Params:
        """Draw features `members features rows` of each level, weights and biases."""
        members = [self._draw(shape, torch.Generator().manual_seed(seed)) for seed in seeds]
        return {name: torch.stack([leaves[name] for leaves in members]) for name in members[0]}

    def forward(
        self, shape: NetShape, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points out"]:
        """Interpolate the features, and apply the network to them."""
        tables = [params[level_name(index)] for index in range(len(self.levels(shape)))]
        h = interpolate(self.levels(shape), tables, x, self.options.span, GAIN)
        last = shape.depth + 1
        for index in range(last + 1):
            weight, bias = params[weight_name(index)], params[bias_name(index)]
            h = torch.baddbmm(bias.unsqueeze(2), weight, h)
            h = h if index == last else torch.relu(h)
        return h.transpose(1, 2)

    def stages(self, shape: NetShape, constants: Params) -> tuple[Stage, ...]:
        """Return a lookup of the features, then the layers of the network."""
        levels, last = self.levels(shape), shape.depth + 1
        lookup = Lookup(
            tables=tuple(level_name(index) for index in range(len(levels))),
            resolutions=tuple(level.resolution for level in levels),
            factors=PRIMES,
            smooth=self.options.interpolation == "smooth",
            span=self.options.span,
            gain=GAIN,
        )
        layers = (
            Dense(weight_name(index), bias_name(index), None if index == last else "max(z, 0.0)")
            for index in range(last + 1)
        )
        return (lookup, *layers)

    def cost(self, shape: NetShape) -> NetCost:
        """Return the cost of the network and of the interpolation.

        A feature takes one multiply-add for each corner of an interval: 2 along one axis, 4 along
        two, 8 along three. The weights of the corners and the hashes are not counted.
        """
        levels, features = self.levels(shape), self.options.features
        sizes = self._sizes(shape)
        corners = 2**shape.in_features
        return NetCost(
            macs_per_sample=len(levels) * corners * features + sum(i * o for i, o in sizes),
            parameters=sum(level.rows for level in levels) * features
            + sum((i + 1) * o for i, o in sizes),
        )

    def _sizes(self, shape: NetShape) -> list[tuple[int, int]]:
        inputs = len(self.levels(shape)) * self.options.features
        return dense_sizes(inputs, shape.depth + 1, shape.width, shape.out_features)

    def _draw(self, shape: NetShape, generator: torch.Generator) -> dict[str, Tensor]:
        leaves = {}
        for index, level in enumerate(self.levels(shape)):
            uniform = torch.rand(self.options.features, level.rows, generator=generator) * 2 - 1
            leaves[level_name(index)] = FEATURE_BOUND / GAIN * uniform
        for index, (fan_in, fan_out) in enumerate(self._sizes(shape)):
            uniform = torch.rand(fan_out, fan_in, generator=generator) * 2 - 1
            leaves[weight_name(index)] = math.sqrt(6 / fan_in) * uniform
            leaves[bias_name(index)] = torch.zeros(fan_out)
        return leaves


def level_name(index: int) -> str:
    """Return the name of the leaf with the features of a level."""
    return f"levels.{index}.features"
