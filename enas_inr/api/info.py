"""The function behind `enas-inr info`: describe a model file or an archive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from enas_inr.api.archive import describe_archive, opened
from enas_inr.api.fit import cost_of
from enas_inr.api.reading import read_signal
from enas_inr.errors import ModelError, SignalError, SpecError
from enas_inr.model.archive import Archive
from enas_inr.model.file import SUFFIX, encode, read_header
from enas_inr.model.measure import measure
from enas_inr.model.model import Model
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.codecs import codec_sizes


def models_in(folder: Path) -> list[Path]:
    """Return the model files in a folder and below it, in the order of their paths.

    Raises:
        ModelError: there are none.
    """
    found = sorted(path for path in folder.rglob(f"*{SUFFIX}") if path.is_file())
    if not found:
        raise ModelError(f"folder {str(folder)!r} has no models", "give one that `fit` wrote")
    return found


def describe_all(folder: Path) -> list[dict[str, Any]]:
    """Describe the model files in a folder and below it by their headers, without their numbers.

    Returns:
        For each file JSON values: `file`, the header, `bytes` and `bits_per_sample`; or `file` and
        `error`, if it is not a model.

    Raises:
        ModelError: there are no files.
    """
    rows: list[dict[str, Any]] = []
    for path in models_in(folder):
        try:
            header = read_header(path)
        except (ModelError, SignalError) as error:
            rows.append({"file": str(path), "error": str(error)})
            continue
        size = path.stat().st_size
        rows.append(
            {
                "file": str(path),
                **header.model_dump(mode="json"),
                "bytes": size,
                "bits_per_sample": 8 * size / header.signal.samples,
            }
        )
    return rows


def describe(
    path: Path,
    original: str | None,
    catalog: Catalog,
    signal_options: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """Describe a model file, an archive, or a model of an archive.

    Args:
        path: the file.
        original: the signal to which it was fitted, in order to measure it again; it is resized to
            the size of the model. None for the metrics in the file.
        catalog: the plugins.
        signal_options: options for reading the original, the same as for the fit.
        name: name of a model of an archive; its `bytes` are those of its `.inr` file. None for the
            archive, of which the values are those of `describe_archive`.

    Returns:
        JSON values: the header, `layers` (one row for each leaf), `bytes`, `bits_per_sample`,
        `flops`, `flops_per_sample`, `parameters`, `metrics` and `codecs`, the sizes of the
        original (or else of the rendering) in common formats.

    Raises:
        ModelError: the file is not a model or is damaged, or the original is another signal.
        SignalError: a file cannot be read.
        SpecError: options are given without an original, or its modality does not take them; an
            original or a name is given that does not apply.
    """
    with opened(path, name, catalog) as found:
        if isinstance(found, Archive):
            if original is not None or signal_options:
                raise SpecError(
                    f"{str(path)!r} is an archive, which has no original",
                    "choose a model with --name",
                )
            return describe_archive(found)
    stored = path.stat().st_size if name is None else len(encode(found.header, found.blocks))
    return _described(str(path), found, stored, original, catalog, signal_options)


def _described(
    file: str,
    model: Model,
    stored: int,
    original: str | None,
    catalog: Catalog,
    signal_options: Mapping[str, Any] | None,
) -> dict[str, Any]:
    signal = model.header.signal
    metrics: dict[str, Any] = dict(model.header.metrics)
    if original is None:
        if signal_options:
            raise SpecError(
                f"options of a signal ({', '.join(signal_options)}) without an original",
                "give --original, too",
            )
        reference, of = model.render(), "rendering"
    else:
        size = "x".join(map(str, reversed(signal.shape))) if len(signal.shape) == 2 else "none"
        reference, of = read_signal(catalog, original, None, size, signal_options), "original"
        if reference.values.shape != (*signal.shape, signal.channels):
            raise ModelError(
                f"{original!r} has shape {tuple(reference.values.shape)}, the model "
                f"{(*signal.shape, signal.channels)}",
                "give the signal that it was fitted to, read with the same options",
            )
        metrics |= measure(model, reference)
    cost = cost_of(model)
    return {
        "file": file,
        **model.header.model_dump(mode="json"),
        "metrics": metrics,
        "layers": [
            {
                "name": name,
                "shape": list(leaf.shape[1:]),
                "numbers": leaf[0].numel(),
                "trained": name not in model.backbone.constants,
            }
            for name, leaf in model.blocks[0].items()
        ],
        "cells": sum(len(next(iter(block.values()))) for block in model.blocks),
        **cost,
        "flops_per_sample": cost["flops"] / signal.samples,
        "bytes": stored,
        "bits_per_sample": 8 * stored / signal.samples,
        "codecs": {"of": of, **codec_sizes(reference, stored)},
    }
