"""The `.inr` file: safetensors with a JSON header and a digest of the content.

A file cannot execute code. docs/format.md describes it for other programs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import net_shape
from enas_inr.errors import ModelError, PluginError, SignalError, SpecError, one_line
from enas_inr.model.header import FORMAT_VERSION, ModelHeader
from enas_inr.model.quantise import SCALE, fits, quantise, restore
from enas_inr.plain_text import read_json
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.files import check_is_file, read_bytes, replace_bytes
from enas_inr.signals.outputs import check_absent
from enas_inr.signals.partition import block_cells
from enas_inr.validation import ModelT, explained

METADATA = "__metadata__"  # of a safetensors index
HEADER = "enas_inr"  # the only key of the safetensors metadata
ARCHIVE = "enas_inr_archive"  # the key of an archive of models
DIGEST = "sha256"  # the tensor of 32 bytes that holds the digest
SUFFIX = ".inr"
LARGEST_INDEX = 2**24  # bytes of the safetensors header, which usually has a few thousand


@dataclass(frozen=True, eq=False)
class Contents:
    """The content of a file.

    Attributes:
        header: everything except the numbers.
        backbone: evaluates the members.
        blocks: for each shape of cells (the order of `signals.partition`) the members' leaves,
            `cells ...`, float32.
    """

    header: ModelHeader
    backbone: Backbone
    blocks: tuple[Params, ...]


def encode(header: ModelHeader, blocks: Iterable[Params]) -> bytes:
    """Return the bytes of a file, with its numbers stored as the header says."""
    tensors: dict[str, Tensor] = {}
    for index, leaves in enumerate(blocks):
        for name, leaf in leaves.items():
            full = f"blocks.{index}.{name}"
            precision = header.leaf_precisions.get(name, header.precision)
            tensors |= quantise(full, leaf.detach().cpu(), precision)
    text = header.model_dump_json()
    return save_tensors(tensors | {DIGEST: digest_of(text, tensors)}, metadata={HEADER: text})


def save(contents: Contents, path: Path, *, force: bool = False) -> int:
    """Write a file atomically, and return its size in bytes.

    Raises:
        ModelError: the file exists and `force` is not given.
        SignalError: the file cannot be written.
    """
    if not force:
        check_absent([path])
    content = encode(contents.header, contents.blocks)
    replace_bytes(path, content)
    return len(content)


def load(path: Path, catalog: Catalog) -> Contents:
    """Read a file.

    Raises:
        ModelError: the file is not a model, is damaged, was written by a newer version, or needs a
            plugin that is not installed.
        PluginError: its backbone comes from a plugin and fails.
        SignalError: the file cannot be read.
    """
    return decode(read_bytes(path), catalog, repr(str(path)))


def read_header(path: Path) -> ModelHeader:
    """Read the header of a file without its numbers, which may therefore be damaged.

    Raises:
        ModelError: the file is not a model, is cut off, or was written by a newer version.
        SignalError: the file cannot be read.
    """
    what = repr(str(path))
    index = beginning_of(path)
    text = metadata_of(index, what).get(HEADER)
    if not isinstance(text, str):
        raise ModelError(f"{what} is not a model of enas-inr", "give a file that `fit` wrote")
    try:
        entries = [entry for name, entry in read_json(index[8:]).items() if name != METADATA]
        numbers = max((int(entry["data_offsets"][1]) for entry in entries), default=0)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, AttributeError):
        raise damaged(what, "its index cannot be read") from None
    if path.stat().st_size != len(index) + numbers:
        raise damaged(what, "it is cut off")
    return parse_header(text, what)


def decode(content: bytes, catalog: Catalog, what: str) -> Contents:
    """Decode the bytes of a file, called `what` in messages; raises as `load`."""
    metadata = metadata_of(content, what)
    text = metadata.get(HEADER)
    if ARCHIVE in metadata:
        raise ModelError(f"{what} is an archive of models", "give one of its models")
    if not isinstance(text, str):
        raise ModelError(f"{what} is not a model of enas-inr", "give a file that `fit` wrote")
    try:
        tensors = load_tensors(content)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise damaged(what, error) from None
    header = parse_header(text, what)
    digest = tensors.pop(DIGEST, None)
    if digest is None or not torch.equal(digest, digest_of(text, tensors)):
        raise damaged(what, "its digest does not match its content")
    backbone = backbone_of(header, catalog, what)
    return Contents(header, backbone, _blocks(header, backbone, tensors, what))


def beginning_of(path: Path) -> bytes:
    """Return the safetensors index at the beginning of a file, with the length before it.

    Raises:
        SignalError: the file cannot be read.
    """
    check_is_file(path)
    try:
        with path.open("rb") as file:
            first = file.read(8)
            return first + file.read(min(index_length(first), LARGEST_INDEX))
    except OSError as error:
        raise SignalError(
            f"{str(path)!r} cannot be read: {error.strerror}", "check its permissions"
        ) from None


def index_length(content: bytes) -> int:
    """Return the length of the safetensors index, which the first eight bytes hold."""
    return int.from_bytes(content[:8], "little")


def metadata_of(content: bytes, what: str) -> Mapping[str, Any]:
    """Return the metadata of the safetensors index at the beginning of a file.

    Raises:
        ModelError: the content does not begin with an index.
    """
    length = index_length(content)
    if len(content) < 8 or not 2 <= length <= min(len(content) - 8, LARGEST_INDEX):
        raise ModelError(f"{what} is not a model, or is cut off", "give a file that `fit` wrote")
    try:
        metadata = read_json(content[8 : 8 + length])[METADATA]
    except (ValueError, KeyError, TypeError):
        raise ModelError(
            f"{what} is not a model, or is damaged", "give a file that `fit` wrote"
        ) from None
    return metadata if isinstance(metadata, dict) else {}


def parse_header(text: str, what: str) -> ModelHeader:
    """Parse a header.

    Raises:
        ModelError: it is not one, or was written by a newer version.
    """
    header = parse_versioned(ModelHeader, text, FORMAT_VERSION, what)
    if problem := header.problem():
        raise damaged(what, problem)
    return header


def parse_versioned(model: type[ModelT], text: str, newest: int, what: str, of: str = "") -> ModelT:
    """Parse a header that has a `format_version`.

    Args:
        model: the kind of header.
        text: the header as JSON.
        newest: the newest version that can be read.
        what: name of the file in messages.
        of: what the version is of, for messages.

    Raises:
        ModelError: it is not such a header, or was written by a newer version.
    """
    try:
        version = int(read_json(text)["format_version"])
        if version > newest:
            raise ModelError(
                f"{what} has format version {version}{of}, newer than {newest}",
                "update enas-inr",
            )
        return model.model_validate_json(text)
    except ValidationError as error:
        raise damaged(what, explained(error)) from None
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(what, f"its header cannot be read: {one_line(error)}") from None


def backbone_of(header: ModelHeader, catalog: Catalog, what: str) -> Backbone:
    """Make the backbone of a model.

    Raises:
        ModelError: its plugin is not installed, broken, or does not take its options.
    """
    name = header.ensemble.backbone
    given = header.ensemble.options
    try:
        backbone: Backbone = catalog.create("backbone", name, options=given)
        grid = header.ensemble.grid
        resolved = catalog.resolved_options("backbone", name, given, header.signal, grid)
        options = catalog.options("backbone", name, given)
    except SpecError as error:
        distribution, version = header.backbone_from
        if any(d.name == name for d in catalog.descriptions("backbone")):
            raise ModelError(
                f"{what}: {error}", f"it was written with {distribution} {version}"
            ) from None
        raise ModelError(
            f"{what} needs the backbone {name!r} of {distribution} {version}",
            f"install that: pip install {distribution}",
        ) from None
    except PluginError as error:
        raise ModelError(f"{what}: {error}") from None
    defaults = options.model_dump(mode="json") if options else {}
    for option, value in resolved.items():
        if defaults.get(option) != value:  # it depends on the signal, so it must be in the header
            raise damaged(what, f"its header has no value for the option {option!r} of {name!r}")
    return backbone


def _blocks(
    header: ModelHeader, backbone: Backbone, tensors: dict[str, Tensor], what: str
) -> tuple[Params, ...]:
    """Check the leaves against the architecture, and restore them."""
    shape = net_shape(header.ensemble, header.signal)
    grid = header.signal.cells_along(header.ensemble.grid)
    cost = backbone.cost(shape)
    stored = sum(tensor.numel() for name, tensor in tensors.items() if not name.endswith(SCALE))
    if (cost.parameters + cost.constants) * math.prod(grid) != stored:
        raise damaged(what, "its numbers do not fit its architecture")
    example = backbone.init(shape, [0])
    if unknown := header.leaf_precisions.keys() - example.keys():
        raise damaged(what, f"its header is about a leaf {min(unknown)!r}")
    cells = [len(block) for block in block_cells(header.signal.shape, grid)]
    blocks = []
    for index, count in enumerate(cells):
        leaves = {}
        for name, like in example.items():
            full = f"blocks.{index}.{name}"
            if full not in tensors:
                raise damaged(what, f"{full!r} is missing")
            wanted = torch.empty(count, *like.shape[1:], dtype=like.dtype, device="meta")
            if not fits(full, tensors, wanted):
                found = tensors[full]
                kind = str(found.dtype).removeprefix("torch.")
                raise damaged(what, f"{full!r} is {kind} of shape {tuple(found.shape)}")
            leaves[name] = restore(full, tensors, like)
            if not bool(torch.isfinite(leaves[name]).all()):
                raise damaged(what, f"{full!r} has numbers that are not finite")
        blocks.append(leaves)
    return tuple(blocks)


def digest_of(text: str, tensors: Mapping[str, Tensor]) -> Tensor:
    """Return the SHA-256 of the header, then of the name, type, shape and bytes of each tensor."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        kind = str(tensor.dtype).removeprefix("torch.")
        digest.update(f"{name}|{kind}|{list(tensor.shape)}".encode())
        digest.update(tensor.view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def digest_of_leaves(leaves: Params) -> str:
    """Return the digest of weights that a `StartNote` has."""
    stored = {
        name: torch.view_as_real(leaf) if leaf.is_complex() else leaf
        for name, leaf in leaves.items()
    }
    return bytes(digest_of("", stored).tolist()).hex()


def damaged(what: str, why: object) -> ModelError:
    """Return the error about a damaged file."""
    return ModelError(f"{what} is damaged: {why}", "fit it again, or use an intact copy")
