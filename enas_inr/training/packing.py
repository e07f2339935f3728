"""All trained numbers of a chunk in one flat buffer, so that Adam is one pass over it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.backbones.layered import Layer, bias_name, weight_name


class Packing(ABC):
    """Where each leaf lies in a flat buffer of `members * numbers` float32 values."""

    @property
    @abstractmethod
    def numbers(self) -> int:
        """Float32 values of one member."""

    @abstractmethod
    def pack(self, params: Params) -> Float[Tensor, " flat"]:
        """Copy leaves `members ...` into a new flat buffer."""

    @abstractmethod
    def unpack(self, flat: Float[Tensor, " flat"]) -> dict[str, Tensor]:
        """View a flat buffer as the leaves it was packed from."""


def _views(flat: Tensor, shapes: list[tuple[int, ...]], members: int) -> list[Tensor]:
    """Cut a flat buffer into contiguous `members *shape` pieces."""
    sizes = [members * math.prod(shape) for shape in shapes]
    pieces = torch.split(flat, sizes)
    return [piece.view(members, *shape) for piece, shape in zip(pieces, shapes, strict=True)]


@final
@dataclass(frozen=True)
class LayeredPacking(Packing):
    """Each layer's weight and bias as one matrix `out (in + 1)`, the bias in the last column.

    So a layer is one matrix product with inputs that end in a row of ones, and the gradient of the
    bias comes with that of the weight.
    """

    layers: tuple[Layer, ...]

    @property
    def numbers(self) -> int:
        """Weights and biases of all layers."""
        return sum(math.prod(shape) for shape in self._shapes)

    @property
    def _shapes(self) -> list[tuple[int, ...]]:
        return [(layer.out_features, layer.in_features + 1) for layer in self.layers]

    def matrices(self, flat: Float[Tensor, " flat"]) -> list[Float[Tensor, "members out in1"]]:
        """View a flat buffer as one matrix a layer."""
        return _views(flat, self._shapes, flat.numel() // self.numbers)

    def pack(self, params: Params) -> Float[Tensor, " flat"]:
        """Join weights and biases."""
        joined = [
            torch.cat([params[weight_name(i)], params[bias_name(i)].unsqueeze(2)], dim=2)
            for i in range(len(self.layers))
        ]
        return torch.cat([matrix.flatten() for matrix in joined])

    def unpack(self, flat: Float[Tensor, " flat"]) -> dict[str, Tensor]:
        """Views of the weights and biases."""
        leaves = {}
        for index, matrix in zip(count(), self.matrices(flat), strict=False):
            leaves[weight_name(index)] = matrix[:, :, :-1]
            leaves[bias_name(index)] = matrix[:, :, -1]
        return leaves


@final
@dataclass(frozen=True)
class LeafPacking(Packing):
    """Any leaves, one after the other; complex ones as pairs of floats."""

    shapes: Mapping[str, tuple[int, ...]]
    complex_names: frozenset[str]

    @classmethod
    def of(cls, params: Params) -> LeafPacking:
        """The packing of leaves shaped as these."""
        return cls(
            {name: tuple(leaf.shape[1:]) for name, leaf in params.items()},
            frozenset(name for name, leaf in params.items() if leaf.is_complex()),
        )

    @property
    def numbers(self) -> int:
        """Numbers of all leaves, a complex one counted twice."""
        return sum(math.prod(shape) for shape in self._real_shapes)

    @property
    def _real_shapes(self) -> list[tuple[int, ...]]:
        return [
            (*shape, 2) if name in self.complex_names else shape
            for name, shape in self.shapes.items()
        ]

    def pack(self, params: Params) -> Float[Tensor, " flat"]:
        """Join the leaves."""
        leaves = [params[name] for name in self.shapes]
        real = [torch.view_as_real(leaf) if leaf.is_complex() else leaf for leaf in leaves]
        return torch.cat([leaf.flatten() for leaf in real])

    def unpack(self, flat: Float[Tensor, " flat"]) -> dict[str, Tensor]:
        """Views of the leaves."""
        pieces = _views(flat, self._real_shapes, flat.numel() // self.numbers)
        return {
            name: torch.view_as_complex(piece) if name in self.complex_names else piece
            for name, piece in zip(self.shapes, pieces, strict=True)
        }
