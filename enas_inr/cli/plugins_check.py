"""`enas-inr plugins check`: check a plugin against the rules for its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say_json
from enas_inr.errors import ExitCode, SpecError
from enas_inr.plain_text import printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console

    from enas_inr.plugins.catalog import Catalog
    from enas_inr.plugins.provider import Provider
    from enas_inr.testing.verdict import Verdict

MARKS = {"passed": ("ok", "green"), "failed": ("FAILED", "red"), "skipped": ("-", "dim")}


def check(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name of a plugin, or of a distribution to check all its plugins.")
    ],
    kind: Annotated[
        str | None, typer.Option(help="Kind of the plugin, if several kinds have this name.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Option of the plugin for this check."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the traceback of each failure.")
    ] = False,
    as_json: arguments.Json = False,
) -> int:
    """Run the conformance suite for a kind of plugin, and report whether each rule is kept."""
    from enas_inr.cli.tables import console
    from enas_inr.testing.plugin import Plugin
    from enas_inr.testing.verdict import SUITES, RuleOutcome, verdicts

    catalog = arguments.load_catalog(context)
    options = arguments.parse_options(option, "--option")
    out = console()
    from rich.text import Text

    said = []
    for provider in _chosen(catalog, name, kind):
        described = provider.description
        plugin = Plugin(catalog.find(described.kind, described.name), catalog, options)
        catalog.options(plugin.kind, plugin.name, options)  # report mistakes of the user first
        found = []
        if not as_json:
            name = printable(f"{plugin.kind} {plugin.name}")
            out.print(Text.assemble((name, "bold"), printable(f" from {provider.origin}")))
        for verdict in verdicts(SUITES[plugin.kind], plugin):
            found.append(verdict)
            if not as_json:
                _print(out, verdict, verbose)
        failed = sum(verdict.outcome is RuleOutcome.FAILED for verdict in found)
        said.append((plugin, found, failed))
        if not as_json:
            kept = sum(verdict.outcome is RuleOutcome.PASSED for verdict in found)
            _print_sum(out, kept, failed)
    if as_json:
        say_json({"plugins": [_as_dict(plugin, found) for plugin, found, _ in said]})
    return ExitCode.PLUGIN if any(failed for *_, failed in said) else ExitCode.OK


def _chosen(catalog: Catalog, name: str, kind: str | None) -> list[Provider]:
    """Return the plugins with that name, or those of the distribution with that name.

    Raises:
        PluginError: the distribution is broken.
        SpecError: there is no such plugin or distribution.
    """
    from enas_inr.plugins.loading import KINDS, same_name
    from enas_inr.validation import nearest

    if kind is not None and kind not in KINDS:
        raise SpecError(f"unknown kind {kind!r}", nearest(kind, KINDS))
    mine = [p for p in catalog.providers if kind in (None, p.description.kind)]
    named = [p for p in mine if p.description.name == name]
    found = named or [p for p in mine if same_name(p.origin.distribution, name)]
    if found:
        return list({(p.description.kind, p.description.name): p for p in found}.values())
    for broken in catalog.broken:
        if any(same_name(name, b) for b in (broken.origin.distribution, broken.origin.entry_point)):
            raise broken.error()
    known = {p.description.name for p in mine} | {p.origin.distribution for p in mine}
    hint = nearest(name, known)
    if catalog.broken:
        hint += f" (broken: {', '.join(str(b.origin) for b in catalog.broken)})"
    raise SpecError(f"unknown {kind or 'plugin'} {name!r}", hint)


def _print(out: Console, verdict: Verdict, verbose: bool) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out.print(Text.assemble("  ", MARKS[verdict.outcome], " ", printable(verdict.rule)))
    for text in (verdict.message, verdict.traceback.rstrip() if verbose else ""):
        if text:
            out.print(Padding(Text(printable_lines(text)), (0, 0, 0, 9)))


def _print_sum(out: Console, kept: int, failed: int) -> None:
    from rich.text import Text

    from enas_inr.validation import counted

    if failed:
        rules = counted(kept + failed, "rule")
        out.print(Text.assemble("  ", ("broken", "red"), f": {failed} of {rules}"))
    else:
        out.print(f"  passed: {counted(kept, 'rule')}")


def _as_dict(plugin: object, found: Sequence[Verdict]) -> dict[str, object]:
    from enas_inr.testing.plugin import Plugin

    assert isinstance(plugin, Plugin)
    return {
        "kind": plugin.kind,
        "name": plugin.name,
        "distribution": plugin.provider.origin.distribution,
        "version": plugin.provider.origin.version,
        "rules": [asdict(verdict) for verdict in found],
    }
