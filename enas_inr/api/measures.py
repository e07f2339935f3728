"""Measure the costs of architectures that are not known from their sizes alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from enas_inr.backbones.feasibility import Measure
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.spec.budget import Precision

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal


def measures(catalog: Catalog, signal: Signal, precision: Precision, device: str) -> Measure:
    """Return a function that measures `bytes`, `memory` or `latency` of an architecture.

    Args:
        catalog: makes the backbones.
        signal: the signal that is to be rendered.
        precision: how the numbers of the file are stored.
        device: device on which it is rendered, as the user named it.
    """
    from enas_inr.model.costs import blank_model, file_bytes, latency, memory
    from enas_inr.training.device import resolve_device

    @cache
    def measured(ensemble: str, training: str, name: str) -> float:
        model = blank_model(
            catalog,
            signal,
            EnsembleSpec.model_validate_json(ensemble),
            TrainingSpec.model_validate_json(training),
        )
        if name == "bytes":
            return file_bytes(model, precision)
        if name == "memory":
            return memory(model)
        return latency(model, resolve_device(device))

    return lambda ensemble, training, name: measured(
        ensemble.model_dump_json(), training.model_dump_json(), name
    )
