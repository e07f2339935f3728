"""The catalog: lists what plugins provide, and makes it by name.

There is no registry: a Catalog is made by `load_catalog` and passed on. What it makes names its
plugin when it fails later (see `enas_inr.plugins.guard`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from enas_inr import hookspecs
from enas_inr.errors import SpecError
from enas_inr.hookspecs import Description
from enas_inr.plugins import diagnosis, loading
from enas_inr.plugins.guard import failures_of, guarded
from enas_inr.plugins.provider import DISABLE_VARIABLE, Broken, Conflict, Origin, Provider, Slow

if TYPE_CHECKING:
    from pydantic import JsonValue
    from pydantic.fields import FieldInfo

    from enas_inr.spec import EnsembleSpec, Options, SignalInfo, TrainingSpec

STRICT_VARIABLE = "ENAS_INR_STRICT_PLUGINS"


@dataclass(frozen=True)
class Catalog:
    """Everything that the loaded plugins provide, and the broken plugins.

    Attributes:
        providers: what is provided, in the order of loading (built-in plugins first).
        broken: plugins that could not be loaded.
        slow: plugins that are slow to load because of their own imports.
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
        """The suffixes of the files that modalities read, in order."""
        described = (p.description for p in self.providers)
        read = (d.suffixes for d in described if isinstance(d, hookspecs.Modality))
        return tuple(sorted({suffix for suffixes in read for suffix in suffixes}))

    def reading(self, suffix: str) -> str | Conflict:
        """Return the name of the modality for a known suffix, or the conflict of several."""
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
            PluginError: a plugin is broken or in conflict; the traceback is a note of the error.
        """
        wrong: list[Broken | Conflict] = [*self.broken, *self.conflicts]
        if wrong:
            raise wrong[0].error()

    def descriptions(self, kind: str) -> tuple[Description, ...]:
        """Return the descriptions of a kind, in the order of loading (built-in plugins first)."""
        return tuple(p.description for p in self.providers if p.description.kind == kind)

    def find(self, kind: str, name: str) -> Provider:
        """Find the one provider of a name.

        Raises:
            SpecError: no plugin provides the name; the message gives the nearest one and the broken
                plugins.
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
        """Validate options; the result is None if the plugin has none.

        Raises:
            SpecError: an option is unknown, a value is out of range, or the plugin has no options.
            PluginError: the options model cannot be imported.
        """
        provider = self.find(kind, name)
        model = self._options_model(provider)
        if model is None:
            if given:
                raise SpecError(f"{kind} {name!r} takes no options", f"drop {', '.join(given)}")
            return None
        from enas_inr.validation import parse

        with self._failures_of(provider):
            return parse(model, given, f"{kind} {name!r}")

    def resolved_options(
        self,
        kind: str,
        name: str,
        given: Mapping[str, Any],
        signal: SignalInfo,
        grid: int,
        training: TrainingSpec | None = None,
        architecture: EnsembleSpec | None = None,
    ) -> dict[str, JsonValue]:
        """Validate options, and resolve those that depend on the signal or the grid.

        Args:
            kind: kind of the plugin.
            name: name of the plugin.
            given: the options that the user gave.
            signal: metadata of the signal.
            grid: number of cells along each axis.
            training: settings that say whether defaults are fitted to the cell (see
                `Options.fitted`); None for those of the publications.
            architecture: the architecture whose backbone it is; None for other plugins.

        Returns:
            The options of the plugin as JSON values; raises as `options`.
        """
        options = self.options(kind, name, given)
        with self._failures_of(self.find(kind, name)):
            if options is None:
                return {}
            if training and training.defaults == "fitted":
                if architecture:
                    options = options.sized(signal, architecture, training)
                options = options.fitted(signal, grid, training)
            return options.resolve(signal, grid).model_dump(mode="json")

    def option_names(self, kind: str, name: str) -> tuple[str, ...]:
        """Return the names of the options that a plugin takes; raises as `options`."""
        return tuple(self.option_fields(kind, name))

    def option_fields(self, kind: str, name: str) -> Mapping[str, FieldInfo]:
        """Return the fields of the options that a plugin takes, by name; raises as `options`."""
        model = self._options_model(self.find(kind, name))
        return model.model_fields if model else {}

    def _options_model(self, provider: Provider) -> type[Options] | None:
        target = provider.description.options
        if target is None:
            return None
        with self._failures_of(provider):
            return diagnosis.import_options(target)

    def create(
        self, kind: str, name: str, *args: Any, options: Mapping[str, Any] | None = None
    ) -> Any:
        """Import the target and construct it with `args`, then its options (if it takes any).

        Returns:
            The object. If it comes from a plugin, errors of its methods and return values that
            break its contract become errors that name the plugin; built-in objects are not
            guarded, since their errors are bugs of enas-inr.

        Raises:
            SpecError: the name is unknown or an option is wrong.
            PluginError: the target cannot be imported, does not fit the contract of its kind or
                cannot be constructed; or two plugins provide the name.
        """
        made = self.construct(kind, name, *args, options=options)
        provider = self.find(kind, name)
        if provider.origin.is_ours:
            return made
        checks = diagnosis.import_object(provider.description.checks)(*args)
        return guarded(made, provider, checks, strict=self.strict)

    def construct(
        self, kind: str, name: str, *args: Any, options: Mapping[str, Any] | None = None
    ) -> Any:
        """As `create`, but without a guard, for tests of the plugin itself."""
        provider = self.find(kind, name)
        validated = self.options(kind, name, options or {})
        described = provider.description
        with self._failures_of(provider):
            target = diagnosis.import_target(described.target, described.contract)
            return target(*args) if validated is None else target(*args, validated)

    def _failures_of(self, provider: Provider) -> AbstractContextManager[None]:
        return failures_of(provider, strict=self.strict)


def load_catalog(*, plugins: bool = True, strict: bool = False) -> Catalog:
    """Load the built-in plugins and, by default, all installed ones.

    Args:
        plugins: False loads only what enas-inr itself provides. The environment variable
            ENAS_INR_DISABLE_PLUGINS does the same with the value `all`, or else holds a
            comma-separated list of distributions or entry points to leave out.
        strict: for authors of plugins: refuse all when one of them is broken, or two are in
            conflict. The environment variable ENAS_INR_STRICT_PLUGINS=1 does the same.

    Raises:
        PluginError: a plugin is broken or in conflict, and `strict` is given.
    """
    strict = strict or os.environ.get(STRICT_VARIABLE, "0") not in ("", "0")
    found = [loading.ours()]
    if plugins:
        found += loading.installed(os.environ.get(DISABLE_VARIABLE, ""))
    catalog = build_catalog(found)
    if not strict:
        return catalog
    catalog.check()
    return replace(catalog, strict=True)


def build_catalog(found: Iterable[tuple[EntryPoint, Origin]]) -> Catalog:
    """Load the plugins of the given entry points."""
    loaded = loading.load(found)
    return Catalog(loaded.providers, loaded.broken, loaded.slow)
