"""Checks of the values that an observer returns; it returns none that are used."""

from __future__ import annotations

from collections.abc import Mapping

from enas_inr.plugins.guard import Check


def checks() -> Mapping[str, Check]:
    """Return no checks."""
    return {}
