"""Count the multiply-adds of a computation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import NetCost, NetShape

_aten = torch.ops.aten
_FACTORS: Mapping[Any, tuple[int, int]] = {  # positions of the two factors in the arguments
    _aten.mm.default: (0, 1),
    _aten.bmm.default: (0, 1),
    _aten.mv.default: (0, 1),
    _aten.dot.default: (0, 1),
    _aten.addmm.default: (1, 2),
    _aten.baddbmm.default: (1, 2),
    _aten.addmv.default: (1, 2),
}
_COMPLEX = 4  # real multiply-adds in a complex one


class MacCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the multiply-adds of matrix products while it is active, and nothing else.

    Attributes:
        trained: multiply-adds of products in which at least one factor requires a gradient.
        constant: multiply-adds of all other products.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trained = 0
        self.constant = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _FACTORS:
            left, right = (args[place] for place in _FACTORS[func])
            macs = _macs(left, right)
            if left.requires_grad or right.requires_grad:
                self.trained += macs
            else:
                self.constant += macs
        return func(*args, **(kwargs or {}))


def _macs(left: Tensor, right: Tensor) -> int:
    """Return the real multiply-adds of a product of matrices, batches of matrices or vectors."""
    columns = right.shape[-1] if right.ndim == left.ndim and right.ndim > 1 else 1
    times = _COMPLEX if left.is_complex() and right.is_complex() else 1
    return math.prod(left.shape) * columns * times


def counted_cost(backbone: Backbone, shape: NetShape) -> NetCost:
    """Count the numbers of a member, and the multiply-adds of its matrix products for one sample.

    Products without a trained factor belong to an encoding. In the paper's convention they count
    once for each sub-network.
    """
    params = backbone.init(shape, [0])
    numbers = {n: leaf.numel() * (2 if leaf.is_complex() else 1) for n, leaf in params.items()}
    constants = sum(numbers[name] for name in backbone.constants)
    leaves = with_gradients(backbone, params)
    with MacCounter() as counter:
        backbone.forward(shape, leaves, coordinates(shape, 1, 1))
    return NetCost(
        macs_per_sample=counter.trained,
        macs_once=counter.constant,
        parameters=sum(numbers.values()) - constants,
        constants=constants,
    )


def with_gradients(backbone: Backbone, params: Params) -> dict[str, Tensor]:
    """Return copies of the leaves of which the trained ones require a gradient, as in training."""
    return {
        name: leaf.clone().requires_grad_(name not in backbone.constants)
        for name, leaf in params.items()
    }


def coordinates(
    shape: NetShape, members: int, points: int = 7
) -> Float[Tensor, "members points in"]:
    """Return random coordinates in [-1, 1], the same at each call."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(members, points, shape.in_features, generator=generator) * 2 - 1
