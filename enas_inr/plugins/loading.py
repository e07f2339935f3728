"""Load plugins and call their hooks, which describe what the plugins provide.

Each plugin is loaded in a `pluggy` manager of its own, so that a broken one (import error, misspelt
hook, wrong return value) is reported with a reason and affects only its own names.
"""

from __future__ import annotations

import re
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points, version

import pluggy

from enas_inr import hookspecs
from enas_inr.hookspecs import PROJECT, Description
from enas_inr.plugins import diagnosis
from enas_inr.plugins.provider import DISABLE_VARIABLE, Broken, Origin, Provider, Slow

KINDS: Mapping[str, tuple[str, type[Description]]] = {
    "backbone": ("enas_inr_backbones", hookspecs.Backbone),
    "modality": ("enas_inr_modalities", hookspecs.Modality),
    "strategy": ("enas_inr_strategies", hookspecs.Strategy),
    "executor": ("enas_inr_executors", hookspecs.Executor),
    "objective": ("enas_inr_objectives", hookspecs.Objective),
    "optimizer": ("enas_inr_optimizers", hookspecs.Optimizer),
    "observer": ("enas_inr_observers", hookspecs.Observer),
}
"""The hook and the description type of each kind of plugin."""

BUILTIN = "enas_inr.plugins.builtin"
HEAVY = ("torch", "ray", "optuna", "pandas", "matplotlib", "scipy")
"""Modules that a plugin must not import when it is loaded, or `enas-inr --help` would be slow."""


@dataclass(frozen=True)
class Loaded:
    """The result of loading plugins.

    Attributes:
        providers: what the plugins provide, in the order of loading.
        broken: the plugins that could not be loaded.
        slow: the plugins that imported heavy modules when they were loaded.
    """

    providers: tuple[Provider, ...]
    broken: tuple[Broken, ...]
    slow: tuple[Slow, ...]


def ours() -> tuple[EntryPoint, Origin]:
    """Return the entry point of the built-in plugins."""
    entry = EntryPoint(name="builtin", value=BUILTIN, group=PROJECT)
    return entry, Origin("enas-inr", version("enas-inr"), "builtin")


def installed(disabled: str) -> list[tuple[EntryPoint, Origin]]:
    """Return the entry points of all installed plugins, sorted by their distributions.

    Args:
        disabled: a comma-separated list of distributions or entry points to leave out, or `all`.
    """
    left_out = {_normalised(name) for name in disabled.split(",")}
    if left_out & {"all", "1"}:
        return []
    found = [(entry, _origin(entry)) for entry in entry_points(group=PROJECT)]
    return [
        (entry, origin)
        for entry, origin in sorted(found, key=lambda pair: str(pair[1]))
        if not left_out & {_normalised(origin.distribution), _normalised(origin.entry_point)}
    ]


def same_name(one: str, other: str) -> bool:
    """Whether two spellings name the same distribution, by the rules of package indexes."""
    return _normalised(one) == _normalised(other)


def _normalised(name: str) -> str:
    """Spell a distribution's name as package indexes do: `My_Plugin` is `my-plugin`."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def load(found: Iterable[tuple[EntryPoint, Origin]]) -> Loaded:
    """Load the given entry points; an error in one does not affect the others."""
    providers: list[Provider] = []
    broken: list[Broken] = []
    slow: list[Slow] = []
    for entry, origin in found:
        before, started = _heavy_modules(), time.perf_counter()
        try:
            providers += [Provider(d, origin) for d in _provided(entry, origin)]
        except (Exception, SystemExit) as error:  # another author's module can raise anything
            broken.append(_broken(entry, origin, error))
        heavy = tuple(name for name in _heavy_modules() if name not in before)
        if heavy:
            slow.append(Slow(origin, time.perf_counter() - started, heavy))
    return Loaded(tuple(providers), tuple(broken), tuple(slow))


def _heavy_modules() -> list[str]:
    return [name for name in HEAVY if name in sys.modules]


def _origin(entry: EntryPoint) -> Origin:
    if entry.dist is None:
        return Origin("unknown distribution", "?", entry.name)
    # A distribution without METADATA has no name and no version. The standard library then returns
    # None, despite its type hints; the package `importlib_metadata`, if it has replaced the finder,
    # raises an exception.
    try:
        read = entry.dist.metadata  # which reads the file each time
        named = (read["Name"], read["Version"])
    except Exception:
        named = ("", "")
    return Origin(named[0] or "unknown distribution", named[1] or "?", entry.name)


def _broken(entry: EntryPoint, origin: Origin, error: BaseException) -> Broken:
    distribution = origin.distribution
    hint = diagnosis.advice(error, entry, distribution) or (
        f"upgrade or uninstall {distribution}, or leave it out: {DISABLE_VARIABLE}={distribution}"
    )
    text = "".join(traceback.format_exception(error))
    return Broken(origin, diagnosis.reason(error), text, hint)


def _provided(entry: EntryPoint, origin: Origin) -> list[Description]:
    """Load one plugin and call each of its hooks."""
    plugin = entry.load()
    hooks = [hook for hook, _ in KINDS.values()]
    diagnosis.check_api(plugin, sys.modules.get(entry.module), origin.distribution)
    diagnosis.check_hooks(plugin, hooks, origin.distribution)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs.HookSpecs)
    manager.register(plugin)
    described: list[Description] = []
    for hook, kind in KINDS.values():
        called = getattr(manager.hook, hook)
        returned = called()
        if called.get_hookimpls() and not returned:  # pluggy leaves None out of the results
            raise TypeError(f"{hook} returned None: return a list of descriptions")
        for descriptions in returned:
            for description in descriptions:
                if not isinstance(description, kind):
                    raise TypeError(
                        f"{hook} returned {description!r}, not enas_inr.hookspecs.{kind.__name__}"
                    )
                described.append(description)
    return described
