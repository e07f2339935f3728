"""Measure the costs of architectures that are not known from their sizes alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from enas_inr.backbones.feasibility import Measure
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.spec.budget import Precision

if TYPE_CHECKING:
    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal


def measures(
    catalog: Catalog, signal: Signal | SignalSet, precision: Precision, device: str
) -> Measure:
    """Return a function that measures `bytes`, `memory` or `latency` of an architecture.

    Args:
        catalog: makes the backbones.
        signal: the signal that is to be rendered, or a set of them.
        precision: how the numbers of the file are stored.
        device: device on which it is rendered, as the user named it.
    """
    from enas_inr.model.costs import blank_model, file_bytes, latency, memory
    from enas_inr.signals.sets import SignalSet
    from enas_inr.training.device import resolve_device

    def the_one(kind: object) -> Signal:
        if not isinstance(signal, SignalSet):
            return signal
        return next(signal[n] for n, info in enumerate(signal.infos) if info.kind == kind)

    @cache
    def measured(kind: object, ensemble: str, training: str, name: str) -> float:
        model = blank_model(
            catalog,
            the_one(kind),
            EnsembleSpec.model_validate_json(ensemble),
            TrainingSpec.model_validate_json(training),
        )
        if name == "bytes":
            return file_bytes(model, precision)
        if name == "memory":
            return memory(model)
        return latency(model, resolve_device(device))

    return lambda info, ensemble, training, name: measured(
        info.kind, ensemble.model_dump_json(), training.model_dump_json(), name
    )
