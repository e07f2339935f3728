"""The header of an archive: what its models have in common, and where their numbers are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from enas_inr.errors import ModelError
from enas_inr.model.architecture import Architecture, Leaf
from enas_inr.model.header import LeafPrecision, Precision
from enas_inr.model.quantise import quantise
from enas_inr.validation import Lasting

ARCHIVE_VERSION = 1

# The tensors besides those of the leaves; docs/format.md describes them.
NAMES, HEADERS, OFFSETS = "names", "headers", "header_offsets"
HEADER_DIGESTS, NUMBER_DIGESTS = "header_digests", "number_digests"
LEAVES = "leaves."  # prefix of the tensors of leaves


class ArchiveHeader(Lasting):
    """Everything that is known of an archive without reading one of its models.

    Attributes:
        models: number of models.
        architecture: what they have in common.
        precision: how their numbers are stored.
        leaf_precisions: the leaves that are stored in another way.
    """

    later: ClassVar[tuple[str, ...]] = ("leaf_precisions",)

    format_version: int = Field(default=ARCHIVE_VERSION, ge=1)
    models: int = Field(ge=1, le=2**40)
    architecture: Architecture
    precision: Precision
    leaf_precisions: dict[str, LeafPrecision] = {}

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
            for name, tensor in self._stored(leaf, empty).items():
                found[name] = (tensor.dtype, (self.models, *tensor.shape))
        return found

    def stored(self, leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors that are stored for the leaves `cells ...` of a model."""
        found: dict[str, Tensor] = {}
        for leaf in self.architecture.leaves:
            found |= self._stored(leaf, leaves[leaf.name])
        return found

    def _stored(self, leaf: Leaf, values: Tensor) -> dict[str, Tensor]:
        """Return the tensors that are stored for a leaf `cells ...`, as in a `.inr` file."""
        precision = self.leaf_precisions.get(leaf.name, self.precision)
        return quantise(LEAVES + leaf.name, values, precision)


def check_name(name: str) -> None:
    """Refuse a name of a model that could not be the name of a file below a folder.

    Raises:
        ModelError: the name is empty, absolute, or has control characters or `..`.
    """
    path = PurePosixPath(name)
    if not name.isprintable() or not path.name or path.is_absolute() or ".." in path.parts:
        raise ModelError(f"{name!r} cannot be the name of a model", "give a relative path")
