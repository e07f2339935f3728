"""Packing of all trained numbers of a chunk in one flat buffer, for a single pass of Adam."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, count
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.backbones.layered import Layer, bias_name, weight_name
from enas_inr.training.optimizers.base import Numbers

LARGEST_OUTER_SIDE = 4
"""No matrix up to this size counts as hidden: first and last layers can be square, too, since a
signal has up to four axes and a picture up to four channels."""


class Packing(ABC):
    """The position of each leaf in a flat buffer of `members * numbers` float32 values."""

    @property
    @abstractmethod
    def numbers(self) -> int:
        """The number of float32 values of one member."""

    @abstractmethod
    def pack(self, params: Params) -> Float[Tensor, " flat"]:
        """Copy leaves `members ...` into a new flat buffer."""

    @abstractmethod
    def view(self, flat: Float[Tensor, " flat"]) -> Numbers:
        """Return the view of a flat buffer that an optimizer receives."""

    @abstractmethod
    def unpack(self, flat: Float[Tensor, " flat"]) -> dict[str, Tensor]:
        """Return the leaves as views of a flat buffer."""


def _numbers(flat: Tensor, leaves: Iterable[Tensor], numbers: int) -> Numbers:
    """Return the view for an optimizer; of the leaves, the hidden weight matrices count."""
    hidden = tuple(
        leaf
        for leaf in leaves
        if leaf.dim() == 3 and leaf.shape[1] == leaf.shape[2] > LARGEST_OUTER_SIDE
    )
    return Numbers(flat, hidden, flat.numel() // numbers)


def _views(flat: Tensor, shapes: list[tuple[int, ...]], members: int) -> list[Tensor]:
    """Return contiguous views `members *shape` of a flat buffer."""
    sizes = [members * math.prod(shape) for shape in shapes]
    pieces = torch.split(flat, sizes)
    return [piece.view(members, *shape) for piece, shape in zip(pieces, shapes, strict=True)]


@final
@dataclass(frozen=True)
class LayeredPacking(Packing):
    """Stores weight and bias of each layer as one matrix `out (in + 1)` with the bias last.

    A layer is then one matrix product with inputs that end in a row of ones, and one product gives
    the gradients of weight and bias.
    """

    layers: tuple[Layer, ...]

    @property
    def numbers(self) -> int:
        """The number of weights and biases of all layers."""
        return sum(math.prod(shape) for shape in self._shapes)

    @property
    def _shapes(self) -> list[tuple[int, ...]]:
        return [(layer.out_features, layer.in_features + 1) for layer in self.layers]

    def matrices(self, flat: Float[Tensor, " flat"]) -> list[Float[Tensor, "members out in1"]]:
        """Return the matrix of each layer as a view of a flat buffer."""
        return _views(flat, self._shapes, flat.numel() // self.numbers)

    def pack(self, params: Params) -> Float[Tensor, " flat"]:
        """Copy weights and biases into a new flat buffer."""
        joined = [
            torch.cat([params[weight_name(i)], params[bias_name(i)].unsqueeze(2)], dim=2)
            for i in range(len(self.layers))
        ]
        return torch.cat([matrix.flatten() for matrix in joined])

    def view(self, flat: Float[Tensor, " flat"]) -> Numbers:
        """Return the view for an optimizer; the matrices are without the biases."""
        return _numbers(flat, [matrix[:, :, :-1] for matrix in self.matrices(flat)], self.numbers)

    def unpack(self, flat: Float[Tensor, " flat"]) -> dict[str, Tensor]:
        """Return weights and biases as views of a flat buffer."""
        leaves = {}
        for index, matrix in zip(count(), self.matrices(flat), strict=False):
            leaves[weight_name(index)] = matrix[:, :, :-1]
            leaves[bias_name(index)] = matrix[:, :, -1]
        return leaves


@final
@dataclass(frozen=True)
class LeafPacking(Packing):
    """Stores any leaves one after the other, and complex leaves as pairs of floats."""

    shapes: Mapping[str, tuple[int, ...]]
    complex_names: frozenset[str]

    @classmethod
    def of(cls, params: Params) -> LeafPacking:
        """Return the packing for leaves with the shapes of `params`.

        A view of complex numbers begins at an even float. Where real leaves with an odd number of
        floats come before a complex one, all complex leaves are therefore stored first.
        """
        found = {name: tuple(leaf.shape[1:]) for name, leaf in params.items()}
        complexes = frozenset(name for name, leaf in params.items() if leaf.is_complex())
        packing = cls(found, complexes)
        if all(start % 2 == 0 for name, start in packing._starts().items() if name in complexes):
            return packing
        return cls(
            {name: found[name] for name in sorted(found, key=lambda name: name not in complexes)},
            complexes,
        )

    def _starts(self) -> dict[str, int]:
        """Return the number of floats before each leaf."""
        sizes = [math.prod(shape) for shape in self._real_shapes]
        return dict(zip(self.shapes, accumulate(sizes, initial=0), strict=False))

    @property
    def numbers(self) -> int:
        """The number of floats in all leaves; a complex number counts twice."""
        return sum(math.prod(shape) for shape in self._real_shapes)

    @property
    def _real_shapes(self) -> list[tuple[int, ...]]:
        return [
            (*shape, 2) if name in self.complex_names else shape
            for name, shape in self.shapes.items()
        ]

    def pack(self, params: Params) -> Float[Tensor, " flat"]:
        """Copy the leaves into a new flat buffer."""
        leaves = [params[name] for name in self.shapes]
        real = [torch.view_as_real(leaf) if leaf.is_complex() else leaf for leaf in leaves]
        return torch.cat([leaf.flatten() for leaf in real])

    def view(self, flat: Float[Tensor, " flat"]) -> Numbers:
        """Return the view for an optimizer; complex leaves are not among the matrices."""
        leaves = [leaf for leaf in self.unpack(flat).values() if not leaf.is_complex()]
        return _numbers(flat, leaves, self.numbers)

    def unpack(self, flat: Float[Tensor, " flat"]) -> dict[str, Tensor]:
        """Return the leaves as views of a flat buffer."""
        pieces = _views(flat, self._real_shapes, flat.numel() // self.numbers)
        return {
            name: torch.view_as_complex(piece) if name in self.complex_names else piece
            for name, piece in zip(self.shapes, pieces, strict=True)
        }
