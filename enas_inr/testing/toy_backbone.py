"""A backbone of a few lines that passes its suite, for tests of strategies and executors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import NetCost, NetShape
from enas_inr.hookspecs import Backbone as Description
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Origin, Provider

TOY = Description(
    name="toy",
    summary="one layer of sines at any depth",
    target="enas_inr.testing.toy_backbone:ToyBackbone",
    learning_rate=1e-2,
    initialisation="first weights U(+-10), last U(+-0.1)",
    citation="our own",
)
"""Its description, as a plugin would return it."""


class ToyBackbone(Backbone):
    """`A sin(W x + 1)`, trained by autograd. It ignores the depth."""

    def init(self, shape: NetShape, seeds: Sequence[int]) -> Params:
        """Draw `first` (members width in) and `last` (members out width)."""
        members = [self.draw(shape, torch.Generator().manual_seed(seed)) for seed in seeds]
        return {name: torch.stack([leaves[name] for leaves in members]) for name in members[0]}

    def draw(self, shape: NetShape, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw one member."""
        first = torch.rand(shape.width, shape.in_features, generator=generator) * 2 - 1
        last = torch.rand(shape.out_features, shape.width, generator=generator) * 2 - 1
        return {"first": first * 10, "last": last / 10}

    def forward(
        self, shape: NetShape, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points out"]:
        """Evaluate the two matrix products."""
        h = torch.sin(torch.bmm(x, params["first"].transpose(1, 2)) + 1)
        return torch.bmm(h, params["last"].transpose(1, 2))

    def cost(self, shape: NetShape) -> NetCost:
        """Return the cost: each number takes part in one multiply-add."""
        numbers = shape.width * (shape.in_features + shape.out_features)
        return NetCost(macs_per_sample=numbers, parameters=numbers)


def toy_catalog() -> Catalog:
    """Return the built-in plugins and the toy backbone, provided by a distribution `toys 1`."""
    ours = load_catalog(plugins=False)
    return Catalog((*ours.providers, Provider(TOY, Origin("toys", "1", "toys"))))
