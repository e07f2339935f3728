"""The architecture of models: what makes their numbers of the same kind."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import NetShape
from enas_inr.errors import ModelError
from enas_inr.spec import EnsembleSpec, SignalInfo
from enas_inr.validation import Frozen, Lasting

MOST_NUMBERS = 2**48
"""More than any model has."""


class Leaf(Frozen):
    """One leaf of a sub-network.

    Attributes:
        shape: its shape in one cell; a complex number counts as one.
        is_complex: whether its numbers are complex.
        trained: False for a leaf that is drawn and not trained.
    """

    name: str = Field(min_length=1, max_length=1_000)
    shape: tuple[Annotated[int, Field(ge=1, le=MOST_NUMBERS)], ...] = Field(max_length=8)
    is_complex: bool = False
    trained: bool = True

    @property
    def numbers(self) -> int:
        """The number of floats in one cell; a complex number is two."""
        return math.prod(self.shape) * (2 if self.is_complex else 1)

    def empty(self, cells: int, device: str = "cpu") -> Tensor:
        """Return a leaf `cells ...` whose numbers are not set."""
        kind = torch.complex64 if self.is_complex else torch.float32
        return torch.empty(cells, *self.shape, dtype=kind, device=device)


def leaves_of(backbone: Backbone, example: Params) -> tuple[Leaf, ...]:
    """Describe the leaves of members."""
    return tuple(
        Leaf(
            name=name,
            shape=tuple(leaf.shape[1:]),
            is_complex=leaf.is_complex(),
            trained=name not in backbone.constants,
        )
        for name, leaf in example.items()
    )


class Architecture(Lasting):
    """What all models of an archive have in common; the options of backbones may differ.

    Attributes:
        axes: number of axes of the signals.
        channels: number of channels of the signals.
        along: cells along each axis, if an axis has fewer samples than the grid has cells; empty if
            all axes have as many as the grid.
        leaves: the leaves of a sub-network, in the order in which they are in a vector.
    """

    later: ClassVar[tuple[str, ...]] = ("along",)

    backbone: str
    grid: int = Field(ge=1)
    depth: int = Field(ge=0)
    width: int = Field(ge=1)
    axes: int = Field(ge=1, le=8)
    channels: int = Field(ge=1)
    leaves: tuple[Leaf, ...] = Field(min_length=1)
    along: tuple[PositiveInt, ...] = ()

    @model_validator(mode="after")
    def _storable(self) -> Architecture:
        if len({leaf.name for leaf in self.leaves}) < len(self.leaves):
            raise ValueError("two leaves have one name")
        if self.cells * self.numbers > MOST_NUMBERS:
            raise ValueError(f"more than {MOST_NUMBERS} numbers")
        return self

    @classmethod
    def of(
        cls, ensemble: EnsembleSpec, backbone: Backbone, shape: NetShape, signal: SignalInfo
    ) -> Architecture:
        """Return the architecture of an ensemble.

        Args:
            ensemble: the backbone and the sizes.
            backbone: makes its members.
            shape: the shape of each member.
            signal: metadata of the signal.
        """
        along = signal.cells_along(ensemble.grid)
        return cls(
            backbone=ensemble.backbone,
            **ensemble.sizes(),
            axes=shape.in_features,
            channels=shape.out_features,
            leaves=leaves_of(backbone, backbone.init(shape, [0])),
            along=along if min(along) < ensemble.grid else (),
        )

    @property
    def cells(self) -> int:
        """The number of cells of a model."""
        return math.prod(self.along or (self.grid,) * self.axes)

    @property
    def numbers(self) -> int:
        """The number of floats of one cell."""
        return sum(leaf.numbers for leaf in self.leaves)

    def label(self) -> str:
        """Return a short description for people."""
        along = f" ({'x'.join(map(str, self.along))})" if self.along else ""
        return (
            f"{self.backbone} M={self.grid}{along} d={self.depth} w={self.width}, "
            f"{self.axes} -> {self.channels}"
        )

    def fits(self, signal: SignalInfo) -> bool:
        """Whether a signal has these axes, channels and cells."""
        kind = len(signal.shape), signal.channels
        along = self.along or (self.grid,) * self.axes
        return kind == (self.axes, self.channels) and signal.cells_along(self.grid) == along

    def check(self, other: Architecture, what: str, whole: str, hint: str) -> None:
        """Refuse another architecture.

        Args:
            other: the architecture of a model.
            what: the model, in messages.
            whole: what has this architecture, in messages.
            hint: what to do about it.

        Raises:
            ModelError: the two differ; the message says in what.
        """
        if self == other:
            return
        if self.label() != other.label():
            differ = f"is {other.label()}, and {whole} is {self.label()}"
        else:
            ours = {leaf.name: leaf for leaf in self.leaves}
            names = [leaf.name for leaf in other.leaves if ours.get(leaf.name) != leaf]
            differ = f"has other leaves ({', '.join(names or ['fewer'])}) than {whole}"
        raise ModelError(f"{what} {differ}", hint)
