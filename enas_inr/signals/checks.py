"""Checks of the values that a modality returns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from enas_inr.errors import ContractError
from enas_inr.plugins.guard import Check
from enas_inr.signals.signal import Modality, Signal


def checks() -> Mapping[str, Check]:
    """Return the checks of a modality by the name of the method."""
    return {"read": check_signal}


def check_signal(modality: Modality, signal: object, path: Path) -> Signal:
    """Check that `read` returned a signal.

    Raises:
        ContractError: the value is not a Signal, or no model can hold its `meta`.
    """
    if not isinstance(signal, Signal):
        raise ContractError(f"read returned a {type(signal).__name__}, not a Signal")
    if problem := signal.meta_problem():
        raise ContractError(f"read returned a Signal whose {problem}")
    return signal
