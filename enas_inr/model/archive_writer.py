"""Write an archive from many models, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from enas_inr.errors import ModelError
from enas_inr.model.archive_file import TYPES
from enas_inr.model.archive_header import (
    HEADER_DIGESTS,
    HEADERS,
    NAMES,
    NUMBER_DIGESTS,
    OFFSETS,
    ArchiveHeader,
    check_name,
)
from enas_inr.model.file import ARCHIVE, DIGEST, digest_of, read_header
from enas_inr.model.header import LeafPrecision, Precision
from enas_inr.model.model import Model, load
from enas_inr.model.quantise import finest
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.files import replacing
from enas_inr.signals.outputs import check_absent
from enas_inr.signals.sets import names_of, numbered
from enas_inr.validation import counted

SUFFIX = ".inrs"
_LONGEST = 10**15  # more bytes than any file has, to reserve room for their number


def write_archive(
    path: str | Path,
    models: Sequence[str | Path | Model],
    *,
    names: Sequence[str] | None = None,
    precision: Precision | None = None,
    force: bool = False,
    catalog: Catalog | None = None,
    on_progress: Callable[[float], None] = lambda done: None,
) -> int:
    """Write many models of one architecture to one file, and return its size in bytes.

    The models are read one after the other, so that memory does not grow with their number. The
    file replaces an old one when it is complete.

    Args:
        path: the archive, usually with the suffix `.inrs`.
        models: `.inr` files, or models. They must have the same backbone, grid, depth, width,
            axes, channels and cells along each axis; the sizes of their signals and the options of
            their backbones may differ, as long as the leaves have the same shapes.
        names: a name for each model; None for the stems of the files, and the names of the signals
            of models.
        precision: how the numbers are stored; None for the precision of the models.
        force: whether to overwrite an existing file.
        catalog: the plugins; None for all installed ones.
        on_progress: called with the share that is done.

    Raises:
        ModelError: there are no models, one cannot be read or has another architecture, names are
            not valid, or the file exists.
        PluginError, SignalError: as `enas_inr.load`; the archive cannot be written.
    """
    target, plugins = Path(path), catalog or load_catalog()
    if not force:
        check_absent([target])
    if not models:
        raise ModelError("an archive without models", "give at least one")
    chosen = _names(models, names)

    def taken(place: int) -> Model:
        model = models[place]
        return model if isinstance(model, Model) else load(model, catalog=plugins)

    first = taken(0)
    header = ArchiveHeader(
        models=len(models),
        architecture=first.architecture,
        precision=precision or first.header.precision,
        leaf_precisions=_leaf_precisions(models, taken, precision),
    )
    with replacing(target) as file:
        writer = _Writer(file, header, chosen)
        for place in range(len(models)):
            model = first if place == 0 else taken(place)
            what, whole = f"model {chosen[place]!r}", repr(chosen[0])
            header.architecture.check(
                model.architecture, what, whole, "give models of one architecture"
            )
            if precision is None and model.header.precision != header.precision:
                raise ModelError(
                    f"{what} has precision {model.header.precision}, and {whole} "
                    f"{header.precision}",
                    "choose a precision of the archive",
                )
            writer.add(model)
            on_progress((place + 1) / len(models))
        return writer.end()


def _leaf_precisions(
    models: Sequence[str | Path | Model],
    taken: Callable[[int], Model],
    precision: Precision | None,
) -> dict[str, LeafPrecision]:
    """Return the leaves that are stored in another way than the precision of the archive says.

    With a precision, each leaf is stored as finely as all models need. Without one, the archive has
    the numbers of the files exactly: leaves that the files store in different ways are float32.

    Args:
        models: the models.
        taken: reads one of them.
        precision: of the archive; None for that of the models.
    """
    # The headers themselves are not kept: there may be many thousands, and few ways of storing.
    ways: set[tuple[Precision, frozenset[tuple[str, LeafPrecision]]]] = set()
    for place, model in enumerate(models):
        if precision is not None:
            header = taken(place).at_precision(precision).header
        else:
            header = model.header if isinstance(model, Model) else read_header(Path(model))
        ways.add((header.precision, frozenset(header.leaf_precisions.items())))
    finer = [(coarse, dict(leaves)) for coarse, leaves in ways]
    found: dict[str, LeafPrecision] = {}
    for name in sorted({name for _, leaves in finer for name in leaves}):
        stored = {leaves.get(name, coarse) for coarse, leaves in finer}
        found[name] = finest(stored) if precision or len(stored) == 1 else "float32"
    return found


def _names(models: Sequence[str | Path | Model], names: Sequence[str] | None) -> tuple[str, ...]:
    """Return a name for each model.

    Raises:
        ModelError: names are not valid.
    """
    if names is None:
        files = [str(model) for model in models if not isinstance(model, Model)]
        if len(files) == len(models):
            found = names_of(files)
        else:
            found = numbered(
                [m.header.signal.name if isinstance(m, Model) else Path(m).stem for m in models]
            )
    else:
        found = tuple(names)
        if len(found) != len(models):
            raise ModelError(
                f"{counted(len(found), 'name')} for {counted(len(models), 'model')}",
                "give one for each",
            )
    for name in found:
        check_name(name)
    twice = [name for name in dict.fromkeys(found) if found.count(name) > 1]
    if twice:
        raise ModelError(f"two models have the name {twice[0]!r}", "give each one of its own")
    return found


@dataclass
class _Writer:
    """Writes the tensors of an archive, of which all but the headers have known places.

    The index and the digests are written last, in the room that was left for them.
    """

    file: BinaryIO
    header: ArchiveHeader
    names: tuple[str, ...]
    offsets: list[int] = field(default_factory=lambda: [0])
    header_digests: list[Tensor] = field(default_factory=list)
    number_digests: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        kinds = list(TYPES)
        known = self.header.tensors() | {DIGEST: (torch.uint8, (32,))}
        listed = bytearray(json.dumps(self.names).encode())
        self._listed = torch.frombuffer(listed, dtype=torch.uint8)
        known[NAMES] = (torch.uint8, tuple(self._listed.shape))
        # Large numbers come first, so that all of them are aligned; the headers come last.
        self._tensors = dict(sorted(known.items(), key=lambda pair: kinds.index(pair[1][0])))
        self._text = self.header.model_dump_json()
        room = len(self._index(_LONGEST))
        self._begin = 8 + room + -room % 8
        self._places: dict[str, int] = {}
        place = self._begin
        for name, (kind, shape) in self._tensors.items():
            self._places[name] = place
            place += _size(kind, shape)
        self._headers = place

    def _index(self, header_bytes: int) -> bytes:
        """Return the safetensors index, if all headers together have so many bytes."""
        index: dict[str, object] = {"__metadata__": {ARCHIVE: self._text}}
        place = 0
        whole = self._tensors | {HEADERS: (torch.uint8, (header_bytes,))}
        for name, (kind, shape) in whole.items():
            end = place + _size(kind, shape)
            index[name] = {"dtype": TYPES[kind], "shape": shape, "data_offsets": [place, end]}
            place = end
        return json.dumps(index, separators=(",", ":")).encode()

    def add(self, model: Model) -> None:
        """Write the numbers and the header of the next model."""
        place = len(self.number_digests)
        ours, header = self.header, model.header
        if header.precision != ours.precision:
            header = header.stored_as(ours.precision, ours.leaf_precisions)
        stored = ours.stored(model.by_cell())
        for name, tensor in stored.items():
            content = _bytes(tensor)
            self._write(self._places[name] + place * len(content), content)
        text = header.model_dump_json()
        self._write(self._headers + self.offsets[-1], text.encode())
        self.offsets.append(self.offsets[-1] + len(text.encode()))
        self.header_digests.append(digest_of(text, {}))
        self.number_digests.append(digest_of("", stored))

    def end(self) -> int:
        """Write what is known only now; return the size of the file."""
        index = {
            NAMES: self._listed,
            OFFSETS: torch.tensor(self.offsets),
            HEADER_DIGESTS: torch.stack(self.header_digests),
            NUMBER_DIGESTS: torch.stack(self.number_digests),
        }
        index[DIGEST] = digest_of(self._text, index)
        for name, tensor in index.items():
            self._write(self._places[name], _bytes(tensor))
        text = self._index(self.offsets[-1]).ljust(self._begin - 8)
        self._write(0, len(text).to_bytes(8, "little") + text)
        return self._headers + self.offsets[-1]

    def _write(self, place: int, content: bytes) -> None:
        self.file.seek(place)
        self.file.write(content)


def _size(kind: torch.dtype, shape: tuple[int, ...]) -> int:
    return kind.itemsize * int(torch.Size(shape).numel())


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().view(torch.uint8).numpy().tobytes()
