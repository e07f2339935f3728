"""Read an archive: its header, and the bytes of one model at a time.

The file is mapped into memory, so that only what is read is loaded. docs/format.md describes it.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.errors import ModelError
from enas_inr.model.archive_header import (
    ARCHIVE_VERSION,
    HEADER_DIGESTS,
    HEADERS,
    LEAVES,
    NAMES,
    NUMBER_DIGESTS,
    OFFSETS,
    ArchiveHeader,
    check_name,
)
from enas_inr.model.file import (
    ARCHIVE,
    DIGEST,
    HEADER,
    beginning_of,
    damaged,
    digest_of,
    metadata_of,
    parse_header,
    parse_versioned,
)
from enas_inr.model.header import ModelHeader
from enas_inr.model.quantise import restore
from enas_inr.plain_text import read_json
from enas_inr.validation import nearest

TYPES = {
    torch.int64: "I64",
    torch.float32: "F32",
    torch.int16: "I16",
    torch.float16: "F16",
    torch.int8: "I8",
    torch.uint8: "U8",
}
"""The names of types in a safetensors index, by how many bytes a number has, the largest first."""


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of models, however damaged the rest of it is.

    Raises:
        SignalError: the file cannot be read.
    """
    try:
        return ARCHIVE in metadata_of(beginning_of(path), "")
    except ModelError:
        return False


class ArchiveFile:
    """An open archive.

    It can be pickled, and is opened again where it is unpickled, if the file is still the same.

    Args:
        path: the file.

    Attributes:
        header: what its models have in common.
        names: their names, in their order.

    Raises:
        ModelError: the file is not an archive, is damaged, or was written by a newer version.
        SignalError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._what = path, repr(str(path))
        metadata = metadata_of(beginning_of(path), self._what)
        text = metadata.get(ARCHIVE)
        if not isinstance(text, str):
            raise ModelError(
                f"{self._what} is {'one model' if HEADER in metadata else 'a file'}, and not an "
                "archive of models",
                "give a file that `archive` wrote",
            )
        try:
            self._file: Any = safe_open(path, "pt")
        except (SafetensorError, ValueError, TypeError, RuntimeError, OSError) as error:
            raise damaged(self._what, error) from None
        self.header = parse_versioned(
            ArchiveHeader, text, ARCHIVE_VERSION, self._what, " of archives"
        )
        self._check_tensors()
        index = {name: self._whole(name) for name in _INDEX}
        self._digest = self._whole(DIGEST)
        if not torch.equal(self._digest, digest_of(text, index)):
            raise self._damaged("its digest does not match its index")
        self.names = self._read_names(index[NAMES])
        self._offsets = index[OFFSETS]
        file: Any = self._file
        end = file.get_slice(HEADERS).get_shape()[0]
        steps = self._offsets.diff()
        if int(self._offsets[0]) or int(self._offsets[-1]) != end or bool((steps < 0).any()):
            raise self._damaged("its headers are not where they should be")

    def __len__(self) -> int:
        return self.header.models

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.path, _bytes(self._digest))

    def close(self) -> None:
        """Close the file; models that were read remain."""
        self._file = None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def place(self, name: str) -> int:
        """Return the place of a model.

        Raises:
            ModelError: there is none of this name; the message names the nearest.
        """
        if name not in self._places:
            raise ModelError(f"{self._what} has no model {name!r}", nearest(name, self.names))
        return self._places[name]

    def what(self, place: int) -> str:
        """Return what a model is called in messages."""
        return f"model {self.names[place]!r} of {self._what}"

    def model_header(self, place: int) -> ModelHeader:
        """Read the header of a model.

        Raises:
            ModelError: it is damaged, was written by a newer version, or the archive is closed.
        """
        what = self.what(place)
        first, last = self._offsets[place : place + 2].tolist()
        stored = self._slice(HEADERS, slice(first, last))
        text = _bytes(stored).decode(errors="replace")
        self._check(HEADER_DIGESTS, place, digest_of(text, {}))
        header = parse_header(text, what)
        common = self.header.architecture
        ours = common.backbone, common.grid, common.depth, common.width
        theirs = header.ensemble.backbone, *header.ensemble.sizes().values()
        if ours != theirs or not common.fits(header.signal):
            raise damaged(what, "its architecture is not that of the archive")
        return header

    def leaves(self, place: int) -> Params:
        """Read the leaves of a model, `cells ...` in row-major order of the grid.

        Those that are stored as float32 may be views of the file.

        Raises:
            ModelError: they are damaged, or the archive is closed.
        """
        names = [name for name in self.header.tensors() if name.startswith(LEAVES)]
        stored = {name: self._slice(name, place) for name in names}
        self._check(NUMBER_DIGESTS, place, digest_of("", stored))
        for leaf in self.header.architecture.leaves:
            if leaf.is_complex:  # pairs have to begin at an even place
                stored[LEAVES + leaf.name] = stored[LEAVES + leaf.name].clone()
        return {
            leaf.name: restore(LEAVES + leaf.name, stored, leaf.empty(0))
            for leaf in self.header.architecture.leaves
        }

    def _check(self, digests: str, place: int, found: Tensor) -> None:
        if not torch.equal(self._slice(digests, place), found):
            raise damaged(self.what(place), "its digest does not match its content")

    def _slice(self, name: str, where: int | slice) -> Tensor:
        if self._file is None:
            raise ModelError(f"{self._what} is closed", "open it again")
        part: Tensor = self._file.get_slice(name)[where]
        return part

    def _whole(self, name: str) -> Tensor:
        tensor: Tensor = self._file.get_tensor(name)
        return tensor

    def _check_tensors(self) -> None:
        """Compare types and shapes in the index of the file with those of the header."""
        leaves = {leaf.name for leaf in self.header.architecture.leaves}
        if unknown := self.header.leaf_precisions.keys() - leaves:
            raise self._damaged(f"its header is about a leaf {min(unknown)!r}")
        wanted = {
            name: (TYPES[kind], shape) for name, (kind, shape) in self.header.tensors().items()
        }
        wanted[DIGEST] = ("U8", (32,))
        found = {}
        for name in self._file.keys():  # noqa: SIM118 (it cannot be iterated over)
            part = self._file.get_slice(name)
            found[name] = (part.get_dtype(), tuple(part.get_shape()))
        for name in (NAMES, HEADERS):  # of any length
            kind, shape = found.get(name, ("", ()))
            if kind == "U8" and len(shape) == 1:
                wanted[name] = found[name]
        if wanted != found:
            differ = [n for n in wanted | found if wanted.get(n) != found.get(n)]
            raise self._damaged(f"its tensors do not fit its header ({differ[0]!r})")

    def _read_names(self, stored: Tensor) -> tuple[str, ...]:
        try:
            names = read_json(_bytes(stored))
        except ValueError:
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self._damaged("its names cannot be read")
        if len(set(names)) != self.header.models or len(names) != self.header.models:
            raise self._damaged("its names are not as many as its models")
        for name in names:
            check_name(name)
        return tuple(names)

    def _damaged(self, why: object) -> ModelError:
        return damaged(self._what, why)


_INDEX = (NAMES, OFFSETS, HEADER_DIGESTS, NUMBER_DIGESTS)
"""The tensors that are read when an archive is opened."""


def _bytes(tensor: Tensor) -> bytes:
    return tensor.numpy().tobytes()


def _again(path: Path, digest: bytes) -> ArchiveFile:
    """Open an archive once more, which must be the same."""
    opened = ArchiveFile(path)
    if _bytes(opened._digest) != digest:
        raise ModelError(f"{str(path)!r} was replaced by another archive", "open it again")
    return opened
