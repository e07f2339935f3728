"""What a shell completes in the place of a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "strategy": "strategy",
        "backbone": "backbone",
        "executor": "executor",
        "objective": "objective",
        "optimizer": "optimizer",
    }
)
"""Options that name a plugin, with its kind."""

COMPLETED = (*KINDS, "profile", "precision", "schedule")
"""The options whose values are completed."""

_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "precision": ("float32", "float16", "int8"),
        "schedule": ("constant", "cosine", "linear"),
    }
)


def completing(option: str) -> Callable[[str], list[str]]:
    """Return a function that lists the values of an option that begin with a text."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in _names(option) if name.startswith(incomplete)]

    return complete


def _names(option: str) -> list[str]:
    if option in KINDS:
        from enas_inr.plugins.catalog import load_catalog

        return sorted({one.name for one in load_catalog().descriptions(KINDS[option])})
    if option == "profile":
        from enas_inr.spec.recipe import PROFILES

        return [name for name in PROFILES if name != "smooth-constant"]
    return list(_WORDS[option])
