"""The header of an archive: what its models have in common, and where their numbers are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import torch
from torch import Tensor

from enas_inr.errors import ModelError
from enas_inr.model.architecture import Architecture, Leaf
from enas_inr.model.header import Precision
from enas_inr.model.quantise import quantise
from enas_inr.validation import Frozen

ARCHIVE_VERSION = 1

# The tensors besides those of the leaves; docs/format.md describes them.
NAMES, HEADERS, OFFSETS = "names", "headers", "header_offsets"
HEADER_DIGESTS, NUMBER_DIGESTS = "header_digests", "number_digests"
LEAVES = "leaves."  # prefix of the tensors of leaves


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
            for name, tensor in _stored(leaf, empty, self.precision).items():
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
        found |= _stored(leaf, leaves[leaf.name], precision)
    return found


def _stored(leaf: Leaf, values: Tensor, precision: Precision) -> dict[str, Tensor]:
    """Return the tensors that are stored for a leaf `cells ...`, as in a `.inr` file."""
    if not leaf.shape:  # the last axis are the cells, which have no scale in common
        precision = "float16" if precision == "int8" else precision
    return quantise(LEAVES + leaf.name, values, precision)
