"""The catalog: loads plugins, lists what they provide, and makes it by name.

Each plugin is loaded in a `pluggy` manager of its own, so that a broken one (import error, misspelt
hook, wrong return value) is listed with its reason and breaks only its own names. What fails later
does so under `Catalog.blame`. There is no registry: a Catalog is made by `load_catalog` and passed
on.
"""

from __future__ import annotations

import os
import re
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points, version
from typing import TYPE_CHECKING, Any

import pluggy

from enas_inr import hookspecs
from enas_inr.errors import ContractError, EnasInrError, PluginError, SpecError, one_line
from enas_inr.hookspecs import PROJECT, Description
from enas_inr.plugins import diagnosis

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

BUILTIN = "enas_inr.plugins.builtin"
DISABLE_VARIABLE = "ENAS_INR_DISABLE_PLUGINS"
STRICT_VARIABLE = "ENAS_INR_STRICT_PLUGINS"
HEAVY = ("torch", "ray", "optuna", "pandas", "matplotlib", "scipy")
"""What loading a plugin must not import, so that `enas-inr --help` and listings stay quick."""


@dataclass(frozen=True)
class Origin:
    """Where a plugin comes from."""

    distribution: str
    version: str
    entry_point: str

    @property
    def is_ours(self) -> bool:
        """Whether it is part of enas-inr itself."""
        return self.distribution == "enas-inr"

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Provider:
    """One thing that one plugin provides."""

    description: Description
    origin: Origin

    def __str__(self) -> str:
        return f"{self.description.kind} {self.description.name!r} of {self.origin}"


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded, why, and what to do."""

    origin: Origin
    reason: str
    traceback: str
    hint: str = ""

    def error(self) -> PluginError:
        """As an error, with the traceback as its note."""
        entry = self.origin.entry_point
        error = PluginError(
            f"plugin {self.origin} (entry point {entry!r}) is broken: {self.reason}", self.hint
        )
        error.add_note(self.traceback)
        return error


@dataclass(frozen=True)
class Conflict:
    """A name that several plugins provide."""

    kind: str
    name: str
    origins: tuple[Origin, ...]

    def error(self) -> PluginError:
        """As an error."""
        theirs = [origin.distribution for origin in self.origins if not origin.is_ours]
        return PluginError(
            f"{self.kind} {self.name!r} is provided by " + " and by ".join(map(str, self.origins)),
            f"uninstall {' or '.join(theirs)}, or leave one out: {DISABLE_VARIABLE}={theirs[-1]}",
        )


@dataclass(frozen=True)
class Slow:
    """A plugin that imports heavy modules when it is loaded."""

    origin: Origin
    seconds: float
    modules: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.origin} took {self.seconds:.1f} s to load: it imports "
            f"{', '.join(self.modules)} in its entry point; name the target as text"
        )


@dataclass(frozen=True)
class Catalog:
    """What all loaded plugins provide, and those that are broken.

    Attributes:
        providers: in the order of loading (ours first).
        broken: those that could not be loaded.
        slow: those that were slow to load through their own fault.
        strict: whether errors of plugins carry their tracebacks, as notes.
    """

    providers: tuple[Provider, ...]
    broken: tuple[Broken, ...] = ()
    slow: tuple[Slow, ...] = ()
    strict: bool = False

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """The names that cannot be used because several plugins provide them."""
        origins: dict[tuple[str, str], list[Origin]] = {}
        for p in self.providers:
            origins.setdefault((p.description.kind, p.description.name), []).append(p.origin)
        names = [Conflict(*key, tuple(of)) for key, of in origins.items() if len(of) > 1]
        files = [self.reading(suffix) for suffix in self.suffixes]
        return (*names, *(found for found in files if isinstance(found, Conflict)))

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Those of the files that modalities read, in order."""
        described = (p.description for p in self.providers)
        read = (d.suffixes for d in described if isinstance(d, hookspecs.Modality))
        return tuple(sorted({suffix for suffixes in read for suffix in suffixes}))

    def reading(self, suffix: str) -> str | Conflict:
        """The name of the modality that reads files of a known suffix; or several claim it."""
        claims = {
            p.description.name: p.origin
            for p in self.providers
            if isinstance(p.description, hookspecs.Modality) and suffix in p.description.suffixes
        }
        if len(claims) > 1:
            return Conflict("suffix", suffix, tuple(claims.values()))
        return next(iter(claims))

    def check(self) -> None:
        """Refuse broken plugins and conflicts.

        Raises:
            PluginError: there is one; the traceback is the error's note.
        """
        wrong: list[Broken | Conflict] = [*self.broken, *self.conflicts]
        if wrong:
            raise wrong[0].error()

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
            raise Conflict(kind, name, tuple(p.origin for p in found)).error()
        if found:
            return found[0]
        from enas_inr.validation import nearest  # pydantic: only when something went wrong

        hint = nearest(name, {d.name for d in self.descriptions(kind)})
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
        model = self._options_model(provider)
        if model is None:
            if given:
                raise SpecError(f"{kind} {name!r} takes no options", f"drop {', '.join(given)}")
            return None
        from enas_inr.validation import parse

        with self._blame(provider):
            return parse(model, given, f"{kind} {name!r}")

    def option_names(self, kind: str, name: str) -> tuple[str, ...]:
        """The names of the options that a plugin takes; raises as `options`."""
        model = self._options_model(self.find(kind, name))
        return tuple(model.model_fields) if model else ()

    def _options_model(self, provider: Provider) -> type[Options] | None:
        target = provider.description.options
        if target is None:
            return None
        with self._blame(provider):
            return diagnosis.import_options(target)

    def create(
        self, kind: str, name: str, *args: Any, options: Mapping[str, Any] | None = None
    ) -> Any:
        """Import the target and construct it with `args`, then its options (if it takes any).

        Raises:
            SpecError: an unknown name or wrong options.
            PluginError: the target cannot be imported, does not fit the contract of its kind or
                cannot be constructed; or two plugins provide the name.
        """
        provider = self.find(kind, name)
        validated = self.options(kind, name, options or {})
        described = provider.description
        with self._blame(provider):
            target = diagnosis.import_target(described.target, described.contract)
            return target(*args) if validated is None else target(*args, validated)

    @contextmanager
    def blame(self, kind: str, name: str) -> Iterator[None]:
        """Surrounds every use of a plugin: what its code raises names its distribution.

        Errors that are for the user pass; so do those of our own plugins, which are bugs.

        Raises:
            PluginError: for all others; raises as `find`, too.
        """
        with self._blame(self.find(kind, name)):
            yield

    @contextmanager
    def _blame(self, provider: Provider) -> Iterator[None]:
        try:
            yield
        except EnasInrError:
            raise
        except (Exception, SystemExit) as error:  # whatever a stranger's code raises
            if provider.origin.is_ours and not isinstance(error, ContractError):
                raise
            raise self._accusation(provider, error) from error

    def _accusation(self, provider: Provider, error: BaseException) -> PluginError:
        described, distribution = provider.description, provider.origin.distribution
        where = diagnosis.place(error, described.target)
        broke = isinstance(error, ContractError)
        says = f": {error}" if broke else f" failed: {one_line(error)}{where}"
        accusation = PluginError(
            f"{provider}{says}",
            f"choose another {described.kind}, upgrade {distribution}, or tell its authors "
            "(--strict-plugins shows the traceback)",
        )
        if self.strict:
            accusation.add_note("".join(traceback.format_exception(error)))
        return accusation


def load_catalog(*, plugins: bool = True, strict: bool = False) -> Catalog:
    """Load our own plugins and, unless told otherwise, all installed ones.

    Args:
        plugins: False loads only what enas-inr itself provides. The environment variable
            ENAS_INR_DISABLE_PLUGINS does the same with the value `all`, or else holds a
            comma-separated list of distributions or entry points to leave out.
        strict: for authors of plugins: refuse all when one of them is broken, or two are in
            conflict. The environment variable ENAS_INR_STRICT_PLUGINS=1 does the same.

    Raises:
        PluginError: a plugin is broken or in conflict, and `strict` was asked for.
    """
    strict = strict or os.environ.get(STRICT_VARIABLE, "0") not in ("", "0")
    disabled = {_normalised(name) for name in os.environ.get(DISABLE_VARIABLE, "").split(",")}
    ours = EntryPoint(name="builtin", value=BUILTIN, group=PROJECT)
    found = [(ours, Origin("enas-inr", version("enas-inr"), "builtin"))]
    if plugins and not disabled & {"all", "1"}:
        installed = [(entry, _origin(entry)) for entry in entry_points(group=PROJECT)]
        found += [
            (entry, origin)
            for entry, origin in sorted(installed, key=lambda pair: str(pair[1]))
            if not disabled & {_normalised(origin.distribution), _normalised(origin.entry_point)}
        ]
    catalog = build_catalog(found)
    if not strict:
        return catalog
    catalog.check()
    return replace(catalog, strict=True)


def same_name(one: str, other: str) -> bool:
    """Whether two spellings name one distribution, as package indexes see it."""
    return _normalised(one) == _normalised(other)


def _normalised(name: str) -> str:
    """Spell a distribution's name as package indexes do: `My_Plugin` is `my-plugin`."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def build_catalog(found: Iterable[tuple[EntryPoint, Origin]]) -> Catalog:
    """Load the given entry points, each under its own try."""
    providers: list[Provider] = []
    broken: list[Broken] = []
    slow: list[Slow] = []
    for entry, origin in found:
        before, started = _heavy_modules(), time.perf_counter()
        try:
            providers += [Provider(d, origin) for d in _provided(entry, origin)]
        except (Exception, SystemExit) as error:  # whatever a stranger's module raises
            broken.append(_broken(entry, origin, error))
        heavy = tuple(name for name in _heavy_modules() if name not in before)
        if heavy:
            slow.append(Slow(origin, time.perf_counter() - started, heavy))
    return Catalog(tuple(providers), tuple(broken), tuple(slow))


def _heavy_modules() -> list[str]:
    return [name for name in HEAVY if name in sys.modules]


def _origin(entry: EntryPoint) -> Origin:
    if entry.dist is None:
        return Origin("unknown distribution", "?", entry.name)
    # A distribution without METADATA has neither, whatever the types say.
    return Origin(entry.dist.name or "unknown distribution", entry.dist.version or "?", entry.name)


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
        if called.get_hookimpls() and not returned:  # pluggy drops None
            raise TypeError(f"{hook} returned None: return a list of descriptions")
        for descriptions in returned:
            for description in descriptions:
                if not isinstance(description, kind):
                    raise TypeError(
                        f"{hook} returned {description!r}, not enas_inr.hookspecs.{kind.__name__}"
                    )
                described.append(description)
    return described
