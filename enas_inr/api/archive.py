"""The functions behind `enas-inr archive`, and behind commands that read a model or an archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from enas_inr.errors import ModelError, SpecError
from enas_inr.model.header import Precision
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.files import is_stream, read_bytes
from enas_inr.signals.outputs import Output, check_outputs
from enas_inr.validation import counted, nearest

if TYPE_CHECKING:
    from enas_inr.model.archive import Archive
    from enas_inr.model.model import Model

PRECISIONS: tuple[str, ...] = get_args(Precision)


def pack(
    sources: Sequence[str | Path],
    output: str | Path,
    *,
    precision: str | None = None,
    force: bool = False,
    catalog: Catalog,
) -> dict[str, Any]:
    """Write an archive of model files.

    Args:
        sources: `.inr` files, and folders with such files.
        output: the archive.
        precision: how the numbers are stored; None for the precision of the models.
        force: whether to overwrite an existing file.
        catalog: the plugins.

    Returns:
        JSON values: `path`, `models`, `bytes`, and `file_bytes`, the size of all model files.

    Raises:
        ModelError: there are no models, or as `enas_inr.write_archive`.
        SignalError: a file cannot be read or written.
        SpecError: the precision is unknown.
    """
    from enas_inr.model.archive_writer import SUFFIX, write_archive

    if precision is not None and precision not in PRECISIONS:
        raise SpecError(f"unknown precision {precision!r}", nearest(precision, PRECISIONS))
    files = find_models(sources)
    target = Output(Path(output), "an archive", (SUFFIX,))
    check_outputs([target], force=force, inputs=files)
    size = write_archive(
        output, files, precision=cast(Precision | None, precision), force=force, catalog=catalog
    )
    return {
        "path": str(output),
        "models": len(files),
        "bytes": size,
        "file_bytes": sum(file.stat().st_size for file in files),
    }


def find_models(sources: Sequence[str | Path]) -> list[Path]:
    """Return the model files among files and folders, each once; those of a folder by their paths.

    Raises:
        ModelError: a folder has no model files.
    """
    from enas_inr.model.file import SUFFIX

    found: dict[Path, Path] = {}
    for source in map(Path, sources):
        files = [source]
        if source.is_dir():
            files = sorted(source.rglob(f"*{SUFFIX}"))
            if not files:
                raise ModelError(f"folder {str(source)!r} has no {SUFFIX} files", "give another")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


@contextmanager
def opened(path: Path, name: str | None, catalog: Catalog) -> Iterator[Model | Archive]:
    """Open a model file, an archive, or one model of an archive.

    Args:
        path: the file; `-` is the standard input, which must be a model file.
        name: name of a model in the archive; None for all of it.
        catalog: the plugins.

    Yields:
        The archive if `path` is one and no name is given, else the model.

    Raises:
        SpecError: a name is given, and the file is no archive.
        ModelError, PluginError, SignalError: as `enas_inr.load` and `enas_inr.open_archive`.
    """
    from enas_inr.model.archive import open_archive
    from enas_inr.model.archive_file import is_archive
    from enas_inr.model.file import decode
    from enas_inr.model.model import Model, load

    if is_stream(path):  # which can be read only once
        if name is not None:
            raise SpecError(f"{str(path)!r} is not an archive", "leave out --name")
        yield Model.of(decode(read_bytes(path), catalog, repr(str(path))))
        return
    if not is_archive(path):
        if name is not None:
            raise SpecError(f"{str(path)!r} is not an archive", "leave out --name")
        yield load(path, catalog=catalog)
        return
    with open_archive(path, catalog=catalog) as archive:
        yield archive if name is None else archive[name]


def one_of(path: Path, name: str | None, catalog: Catalog) -> Model:
    """Read a model file, or a model of an archive.

    Raises:
        SpecError: the file is an archive, and no name is given.
        ModelError, PluginError, SignalError: as `opened`.
    """
    from enas_inr.model.archive import Archive

    with opened(path, name, catalog) as found:
        if isinstance(found, Archive):
            raise SpecError(
                f"{str(path)!r} is an archive of {counted(len(found), 'model')}",
                f"choose one with --name, such as --name {found.names[0]}",
            )
        return found


def rendered_paths(archive: Archive, folder: Path) -> dict[str, Path]:
    """Return the file to which each model of an archive is rendered, by its name.

    Raises:
        ModelError: a header is damaged, or there is no suffix for a modality.
        PluginError, SpecError: a modality is not installed.
    """
    from enas_inr.hookspecs import Modality

    paths = {}
    for name in archive:
        kind = archive.header(name).signal.modality
        described = archive.catalog.describe("modality", kind)
        suffixes = described.suffixes if isinstance(described, Modality) else ()
        if not suffixes:
            raise ModelError(
                f"model {name!r} is of the modality {kind!r}, which has no suffix",
                "render it alone, with --name and a file",
            )
        paths[name] = folder / (name + suffixes[0])
    return paths


def describe_archive(archive: Archive) -> dict[str, Any]:
    """Describe an archive by the headers of its models, without reading their numbers.

    Returns:
        JSON values: what its models have in common, `bytes`, `bits_per_sample` (of all signals
        together), and `signals`: for each model its `name`, `modality`, `shape`, `sample_rate`,
        `options` of the backbone, and `metrics`.

    Raises:
        ModelError: a header is damaged.
    """
    common = archive.file.header.architecture
    signals = []
    samples = 0
    for name in archive:
        header = archive.header(name)
        samples += header.signal.samples
        signals.append(
            {
                "name": name,
                "modality": header.signal.modality,
                "shape": list(header.signal.shape),
                "sample_rate": header.signal.sample_rate,
                "options": dict(header.ensemble.options),
                "metrics": dict(header.metrics),
            }
        )
    size = archive.path.stat().st_size
    return {
        "file": str(archive.path),
        "models": len(archive),
        **common.model_dump(mode="json"),
        "precision": archive.file.header.precision,
        "cells": common.cells,
        "numbers": common.cells * common.numbers,
        "bytes": size,
        "bits_per_sample": 8 * size / samples,
        "signals": signals,
    }
