"""The catalog: loads plugins, lists what they provide, and makes it by name.

Each plugin is loaded in a `pluggy` manager of its own, so that a broken one (import error, misspelt
hook, wrong return value) is listed with its reason and breaks only its own names. There is no
registry: a Catalog is made by `load_catalog` and passed on.
"""

from __future__ import annotations

import importlib
import os
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points, version
from typing import TYPE_CHECKING, Any, cast

import pluggy

from enas_inr import hookspecs
from enas_inr.errors import PluginError, SpecError
from enas_inr.hookspecs import PROJECT, Description

if TYPE_CHECKING:
    from enas_inr.spec import Options

KINDS: Mapping[str, tuple[str, type[Description]]] = {
    "backbone": ("enas_inr_backbones", hookspecs.Backbone),
    "modality": ("enas_inr_modalities", hookspecs.Modality),
    "strategy": ("enas_inr_strategies", hookspecs.Strategy),
    "executor": ("enas_inr_executors", hookspecs.Executor),
    "objective": ("enas_inr_objectives", hookspecs.Objective),
}
"""The hook and the description type of each kind of plugin."""

BUILTIN = "enas_inr.builtin"
DISABLE_VARIABLE = "ENAS_INR_DISABLE_PLUGINS"


@dataclass(frozen=True)
class Origin:
    """Where a plugin comes from."""

    distribution: str
    version: str
    entry_point: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Provider:
    """One thing that one plugin provides."""

    description: Description
    origin: Origin


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded, and why."""

    origin: Origin
    reason: str
    traceback: str


@dataclass(frozen=True)
class Catalog:
    """What all loaded plugins provide, and those that are broken."""

    providers: tuple[Provider, ...]
    broken: tuple[Broken, ...] = ()

    def descriptions(self, kind: str) -> tuple[Description, ...]:
        """Everything of one kind, in the order of loading (ours first)."""
        return tuple(p.description for p in self.providers if p.description.kind == kind)

    def find(self, kind: str, name: str) -> Provider:
        """Find the one provider of a name.

        Raises:
            SpecError: nobody provides it; the message names the nearest that is provided, and the
                broken plugins that it may have been meant to come from.
            PluginError: two distributions provide it.
        """
        found = [
            p for p in self.providers if (p.description.kind, p.description.name) == (kind, name)
        ]
        if len(found) > 1:
            raise PluginError(
                f"{kind} {name!r} is provided by " + " and by ".join(str(p.origin) for p in found),
                f"uninstall one of them, or name one in {DISABLE_VARIABLE}",
            )
        if found:
            return found[0]
        from enas_inr.parsing import nearest  # pydantic: only when something went wrong

        hint = nearest(name, [d.name for d in self.descriptions(kind)])
        if self.broken:
            plugins = ", ".join(str(b.origin) for b in self.broken)
            hint += f" (broken plugins: {plugins}; see `enas-inr plugins list`)"
        raise SpecError(f"unknown {kind} {name!r}", hint)

    def describe(self, kind: str, name: str) -> Description:
        """Find a description by name; raises as `find`."""
        return self.find(kind, name).description

    def options(self, kind: str, name: str, given: Mapping[str, Any]) -> Options | None:
        """Validate options; None where there is nothing to choose.

        Raises:
            SpecError: an unknown option, a value out of range, or options where there are none.
            PluginError: the options model cannot be imported.
        """
        provider = self.find(kind, name)
        target = provider.description.options
        if target is None:
            if given:
                raise SpecError(f"{kind} {name!r} takes no options", f"drop {', '.join(given)}")
            return None
        from enas_inr.parsing import parse

        return cast("Options", parse(_import(target, provider), given, f"{kind} {name!r}"))

    def option_names(self, kind: str, name: str) -> tuple[str, ...]:
        """The names of the options that a plugin takes; raises as `options`."""
        provider = self.find(kind, name)
        target = provider.description.options
        return tuple(_import(target, provider).model_fields) if target else ()

    def create(
        self, kind: str, name: str, *args: Any, options: Mapping[str, Any] | None = None
    ) -> Any:
        """Import the target and construct it with `args`, then its options (if it takes any).

        Raises:
            SpecError: an unknown name or wrong options.
            PluginError: the target cannot be imported, or two plugins provide the name.
        """
        provider = self.find(kind, name)
        validated = self.options(kind, name, options or {})
        target = _import(provider.description.target, provider)
        return target(*args) if validated is None else target(*args, validated)


def load_catalog(*, plugins: bool = True) -> Catalog:
    """Load our own plugins and, unless told otherwise, all installed ones.

    Args:
        plugins: False loads only what enas-inr itself provides. The environment variable
            ENAS_INR_DISABLE_PLUGINS does the same with the value `all`, or else holds a
            comma-separated list of distributions or entry points to leave out.
    """
    disabled = {_normalised(name) for name in os.environ.get(DISABLE_VARIABLE, "").split(",")}
    ours = EntryPoint(name="builtin", value=BUILTIN, group=PROJECT)
    found = [(ours, Origin("enas-inr", version("enas-inr"), "builtin"))]
    if plugins and not disabled & {"all", "1"}:
        installed = [(entry, _origin(entry)) for entry in entry_points(group=PROJECT)]
        found += [
            (entry, origin)
            for entry, origin in installed
            if not disabled & {_normalised(origin.distribution), _normalised(origin.entry_point)}
        ]
    return build_catalog(found)


def _normalised(name: str) -> str:
    """Spell a distribution's name as package indexes do: `My_Plugin` is `my-plugin`."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def build_catalog(found: Iterable[tuple[EntryPoint, Origin]]) -> Catalog:
    """Load the given entry points, each under its own try."""
    providers: list[Provider] = []
    broken: list[Broken] = []
    for entry, origin in found:
        try:
            providers += [Provider(d, origin) for d in _provided(entry.load())]
        except (Exception, SystemExit) as error:  # whatever a stranger's module raises
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            broken.append(Broken(origin, reason, traceback.format_exc()))
    return Catalog(tuple(providers), tuple(broken))


def _origin(entry: EntryPoint) -> Origin:
    if entry.dist is None:
        return Origin("unknown distribution", "?", entry.name)
    # A distribution without METADATA has neither, whatever the types say.
    return Origin(entry.dist.name or "unknown distribution", entry.dist.version or "?", entry.name)


def _provided(plugin: object) -> list[Description]:
    """Call each hook of one plugin."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs.HookSpecs)
    manager.register(plugin)
    manager.check_pending()  # raises on a hook that no specification knows: a misspelt name
    described: list[Description] = []
    for hook, kind in KINDS.values():
        for descriptions in getattr(manager.hook, hook)():
            for description in descriptions:
                if not isinstance(description, kind):
                    raise TypeError(
                        f"{hook} returned {description!r}, not enas_inr.hookspecs.{kind.__name__}"
                    )
                described.append(description)
    return described


def _import(target: str, provider: Provider) -> Any:
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:
        described = provider.description
        raise PluginError(
            f"{described.kind} {described.name!r} of {provider.origin}: cannot import {target!r}: "
            f"{type(error).__name__}: {error}",
            "repair or uninstall that distribution",
        ) from error
