"""A layered backbone whose layers are hidden, so that autograd trains it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import NetCost, NetShape


@final
class Opaque(Backbone):
    """The same networks as another backbone, for comparisons of the kernels."""

    def __init__(self, inner: Backbone) -> None:
        self._inner = inner
        self.constants = inner.constants  # type: ignore[misc]

    def init(self, shape: NetShape, seeds: Sequence[int]) -> Params:
        """Draw the members of the other backbone."""
        return self._inner.init(shape, seeds)

    def forward(
        self, shape: NetShape, params: Params, x: Float[Tensor, "members points in"]
    ) -> Float[Tensor, "members points out"]:
        """Evaluate the members of the other backbone."""
        return self._inner.forward(shape, params, x)

    def cost(self, shape: NetShape) -> NetCost:
        """Return the cost of the other backbone."""
        return self._inner.cost(shape)
