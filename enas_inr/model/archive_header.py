"""The header of an archive: what its models have in common, and where their numbers are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import PurePosixPath

import torch
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.errors import ModelError
from enas_inr.model.header import ModelHeader, Precision
from enas_inr.model.quantise import quantise
from enas_inr.validation import Frozen

ARCHIVE_VERSION = 1

# The tensors besides those of the leaves; docs/format.md describes them.
NAMES, HEADERS, OFFSETS = "names", "headers", "header_offsets"
HEADER_DIGESTS, NUMBER_DIGESTS = "header_digests", "number_digests"
LEAVES = "leaves."  # prefix of the tensors of leaves


class Leaf(Frozen):
    """One leaf of a sub-network.

    Attributes:
        shape: its shape in one cell; a complex number counts as one.
        is_complex: whether its numbers are complex.
        trained: False for a leaf that is drawn and not trained.
    """

    name: str
    shape: tuple[int, ...]
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

    def stored(self, leaf: Tensor, precision: Precision) -> dict[str, Tensor]:
        """Return the tensors that are stored for a leaf `cells ...`, as in a `.inr` file."""
        if not self.shape:  # the last axis are the cells, which have no scale in common
            precision = "float16" if precision == "int8" else precision
        return quantise(LEAVES + self.name, leaf, precision)


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


class Architecture(Frozen):
    """What all models of an archive have in common; the options of backbones may differ.

    Attributes:
        axes: number of axes of the signals.
        channels: number of channels of the signals.
        leaves: the leaves of a sub-network, in the order in which they are in a vector.
    """

    backbone: str
    grid: int
    depth: int
    width: int
    axes: int
    channels: int
    leaves: tuple[Leaf, ...]

    @classmethod
    def of(cls, header: ModelHeader, backbone: Backbone, example: Params) -> Architecture:
        """Return the architecture of a model, with an example of the leaves of its members."""
        sizes = header.ensemble.sizes()
        return cls(
            backbone=header.ensemble.backbone,
            grid=sizes["grid"],
            depth=sizes["depth"],
            width=sizes["width"],
            axes=len(header.signal.shape),
            channels=header.signal.channels,
            leaves=leaves_of(backbone, example),
        )

    @property
    def cells(self) -> int:
        """The number of cells of a model."""
        return math.prod((self.grid,) * self.axes)

    @property
    def numbers(self) -> int:
        """The number of floats of one cell."""
        return sum(leaf.numbers for leaf in self.leaves)

    def label(self) -> str:
        """Return a short description for people."""
        return (
            f"{self.backbone} M={self.grid} d={self.depth} w={self.width}, "
            f"{self.axes} -> {self.channels}"
        )

    def check(self, other: Architecture, what: str, whole: str) -> None:
        """Refuse another architecture.

        Args:
            other: the architecture of a model.
            what: the model, in messages.
            whole: what has this architecture, in messages.

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
        raise ModelError(f"{what} {differ}", "these must be models of one architecture")


class ArchiveHeader(Frozen):
    """Everything that is known of an archive without reading one of its models.

    Attributes:
        models: number of models.
        architecture: what they have in common.
        precision: how their numbers are stored.
    """

    format_version: int = ARCHIVE_VERSION
    models: int
    architecture: Architecture
    precision: Precision

    def tensors(self) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
        """Return the types and shapes of all tensors whose shape is known; no memory is needed."""
        digests = (torch.uint8, (self.models, 32))
        found: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {
            OFFSETS: (torch.int64, (self.models + 1,)),
            HEADER_DIGESTS: digests,
            NUMBER_DIGESTS: digests,
        }
        for leaf in self.architecture.leaves:
            empty = leaf.empty(self.architecture.cells, device="meta")
            for name, tensor in leaf.stored(empty, self.precision).items():
                found[name] = (tensor.dtype, (self.models, *tensor.shape))
        return found


def check_name(name: str) -> None:
    """Refuse a name of a model that could not be the name of a file below a folder.

    Raises:
        ModelError: the name is empty, absolute, or has control characters or `..`.
    """
    path = PurePosixPath(name)
    if not name.isprintable() or not path.name or path.is_absolute() or ".." in path.parts:
        raise ModelError(f"{name!r} cannot be the name of a model", "give a relative path")


def stored_leaves(
    architecture: Architecture, leaves: Mapping[str, Tensor], precision: Precision
) -> dict[str, Tensor]:
    """Return the tensors that are stored for the leaves `cells ...` of a model."""
    found: dict[str, Tensor] = {}
    for leaf in architecture.leaves:
        found |= leaf.stored(leaves[leaf.name], precision)
    return found
