"""What a conformance suite is given: one installed plugin, by kind and name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any
from unittest import SkipTest

from pydantic import JsonValue

from enas_inr.errors import SpecError
from enas_inr.hookspecs import PROJECT
from enas_inr.plugins.catalog import BUILTIN, HEAVY, Catalog, Provider, load_catalog
from enas_inr.spec import SignalInfo


class ConformanceError(AssertionError):
    """A plugin breaks a rule of its contract: which, what came, what to do."""


def require(holds: bool, what: str) -> None:
    """Raise unless a rule holds; an `assert` that `python -O` keeps.

    Raises:
        ConformanceError: with `what` as its message.
    """
    if not holds:
        raise ConformanceError(what)


@dataclass(frozen=True)
class Plugin:
    """One installed plugin, and the options to test it with.

    Attributes:
        provider: its description, and the distribution that it comes from.
        catalog: the plugins among which it was found.
        options: as a user would give them; none: its defaults.
    """

    provider: Provider
    catalog: Catalog
    options: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Its kind, such as `backbone`."""
        return self.provider.description.kind

    @property
    def name(self) -> str:
        """Its name."""
        return self.provider.description.name

    def create(self, *args: Any, options: Mapping[str, JsonValue] | None = None) -> Any:
        """Make it with `args`, then its validated options.

        What it raises is not turned into an error for users, and what it returns is not checked:
        both is up to the rules.
        """
        given = self.options if options is None else options
        return self.catalog.construct(self.kind, self.name, *args, options=given)

    def resolved(self, signal: SignalInfo, grid: int) -> dict[str, JsonValue]:
        """Its options with every 'it depends' settled for a signal and a grid."""
        return self.catalog.resolved_options(self.kind, self.name, self.options, signal, grid)


def installed(kind: str, name: str, **options: JsonValue) -> Plugin:
    """Find an installed plugin.

    Args:
        kind: `backbone`, `modality`, `strategy`, `executor` or `objective`.
        name: as users type it.
        options: to test it with, instead of its defaults.

    Raises:
        SpecError: nobody provides it.
        PluginError: two distributions do.
    """
    catalog = load_catalog()
    return Plugin(catalog.find(kind, name), catalog, options)


class Suite:
    """What holds for plugins of every kind. Derive a test class from the suite of yours.

    A fixture `plugin` says which plugin is tested; every method whose name begins with `test_` is
    a rule, and the first line of its docstring says which.
    """

    def test_description(self, plugin: Plugin) -> None:
        """It is described: a name to type, a summary of one line, a target."""
        described = plugin.provider.description
        typed = described.name.strip()
        require(
            bool(typed) and typed == described.name and not set(typed) & set(" \t\n=,:"),
            f"name {described.name!r} is hard to type: use letters, digits, '-' and '_'",
        )
        require(
            bool(described.summary) and "\n" not in described.summary,
            f"summary {described.summary!r}: write one line for `enas-inr plugins list`",
        )
        for field_name in ("target", "options"):
            target = getattr(described, field_name)
            require(
                target is None or target.count(":") == 1,
                f"{field_name} {target!r} is no 'package.module:Class'",
            )

    def test_describing_it_is_quick(self, plugin: Plugin) -> None:
        """Its entry point imports no heavy library: targets are imported on use."""
        script = (
            f"import sys, {_entry_module(plugin)}\n"
            f"print(*(name for name in {HEAVY!r} if name in sys.modules))\n"
        )
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        require(done.returncode == 0, f"its entry point cannot be imported:\n{done.stderr}")
        heavy = done.stdout.split()
        require(
            not heavy,
            f"its entry point imports {', '.join(heavy)}: name the target as text, and import "
            "these in the target's module alone",
        )

    def test_options_have_defaults(self, plugin: Plugin) -> None:
        """Its options model has defaults, is frozen and goes to JSON and back."""
        options = plugin.catalog.options(plugin.kind, plugin.name, {})
        if options is None:
            return
        again = type(options).model_validate_json(options.model_dump_json())
        require(again == options, f"options {options!r} become {again!r} through JSON")

    def test_options_are_validated(self, plugin: Plugin) -> None:
        """An unknown option and a value of the wrong type are refused."""
        names = plugin.catalog.option_names(plugin.kind, plugin.name)
        _refuses(plugin, {"no_such_option": 1}, "an unknown option")
        for name in names:
            _refuses(plugin, {name: ["no", {"such": "value"}]}, f"{name}=['no', ...]")


def _entry_module(plugin: Plugin) -> str:
    origin = plugin.provider.origin
    for entry in entry_points(group=PROJECT, name=origin.entry_point):
        if entry.dist is not None and entry.dist.name == origin.distribution:
            return entry.module
    return BUILTIN


def _refuses(plugin: Plugin, options: dict[str, JsonValue], what: str) -> None:
    try:
        plugin.catalog.options(plugin.kind, plugin.name, options)
    except SpecError:
        return
    raise ConformanceError(
        f"its options take {what}: derive them from enas_inr.spec.Options and type each one"
    )


def not_applicable(why: str) -> SkipTest:
    """What to raise where a rule does not apply; pytest and `plugins check` show it as skipped."""
    return SkipTest(why)
