"""The base of the conformance suites, and the installed plugin that they test."""

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
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.loading import BUILTIN, HEAVY
from enas_inr.plugins.provider import Provider
from enas_inr.spec import SignalInfo


class ConformanceError(AssertionError):
    """A plugin breaks a rule. The message gives the fault, the value, and what to do."""


def require(holds: bool, what: str) -> None:
    """Raise an error unless a rule holds. Unlike `assert`, it works under `python -O`, too.

    Raises:
        ConformanceError: the rule does not hold. The message is `what`.
    """
    if not holds:
        raise ConformanceError(what)


@dataclass(frozen=True)
class Plugin:
    """One installed plugin, and the options with which it is tested.

    Attributes:
        provider: its description, and the distribution that provides it.
        catalog: the catalog in which it was found.
        options: options as a user gives them; the others have their defaults.
    """

    provider: Provider
    catalog: Catalog
    options: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of plugin, such as `backbone`."""
        return self.provider.description.kind

    @property
    def name(self) -> str:
        """The name of the plugin."""
        return self.provider.description.name

    def create(self, *args: Any, options: Mapping[str, JsonValue] | None = None) -> Any:
        """Create an instance from `args` and the validated options.

        Unlike in the toolkit, errors are not turned into errors for users, and return values are
        not checked: both are up to the rules of the suites.
        """
        given = self.options if options is None else options
        return self.catalog.construct(self.kind, self.name, *args, options=given)

    def resolved(self, signal: SignalInfo, grid: int) -> dict[str, JsonValue]:
        """Return the options with all defaults that depend on the signal or the grid filled in."""
        return self.catalog.resolved_options(self.kind, self.name, self.options, signal, grid)


def installed(kind: str, name: str, **options: JsonValue) -> Plugin:
    """Find an installed plugin.

    Args:
        kind: `backbone`, `modality`, `strategy`, `executor`, `objective`, `optimizer` or
            `observer`.
        name: the name that users type.
        options: options for the tests that differ from the defaults.

    Raises:
        SpecError: no installed plugin has that name.
        PluginError: two distributions provide that name.
    """
    catalog = load_catalog()
    return Plugin(catalog.find(kind, name), catalog, options)


class Suite:
    """The rules for plugins of all kinds. Derive a test class from the suite for your kind.

    The fixture `plugin` returns the plugin to test. Every method whose name begins with `test_` is
    a rule, which the first line of its docstring states.
    """

    def test_description(self, plugin: Plugin) -> None:
        """The description has a name that can be typed, a summary of one line, and a target."""
        described = plugin.provider.description
        typed = described.name.strip()
        require(
            bool(typed) and typed == described.name and not set(typed) & set(" \t\n=,:"),
            f"the name {described.name!r} is hard to type; use letters, digits, '-' and '_'",
        )
        require(
            bool(described.summary) and "\n" not in described.summary,
            f"the summary is {described.summary!r}; write one line for `enas-inr plugins list`",
        )
        for field_name in ("target", "options"):
            target = getattr(described, field_name)
            require(
                target is None or target.count(":") == 1,
                f"the {field_name} {target!r} does not have the form 'package.module:Class'",
            )

    def test_describing_it_is_quick(self, plugin: Plugin) -> None:
        """The entry point imports no heavy library; targets are imported when they are used."""
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
        require(done.returncode == 0, f"the entry point cannot be imported:\n{done.stderr}")
        heavy = done.stdout.split()
        require(
            not heavy,
            f"the entry point imports {', '.join(heavy)}; give the target as a string, and import "
            "these only in the module of the target",
        )

    def test_options_have_defaults(self, plugin: Plugin) -> None:
        """All options have defaults, and the options can be stored as JSON."""
        options = plugin.catalog.options(plugin.kind, plugin.name, {})
        if options is None:
            return
        again = type(options).model_validate_json(options.model_dump_json())
        require(
            again == options,
            f"the options {options!r} become {again!r} in JSON; use types that JSON can store",
        )

    def test_options_are_validated(self, plugin: Plugin) -> None:
        """Unknown options and values of a wrong type are refused."""
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
        f"the options accept {what}; derive them from enas_inr.spec.Options and annotate each type"
    )


def not_applicable(why: str) -> SkipTest:
    """Return the exception for a rule that does not apply, which is then shown as skipped."""
    return SkipTest(why)
