"""`enas-inr plugins`: list, check and create plugins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enas_inr.cli import arguments, commands, plugins_check, plugins_new
from enas_inr.cli.saying import say_json
from enas_inr.errors import SpecError
from enas_inr.plain_text import printable, printable_lines

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog
    from enas_inr.plugins.provider import Conflict, Provider

app = typer.Typer(
    cls=commands.Group,
    help="List backbones, modalities, strategies and other plugins; check or create a plugin.",
)
app.command(cls=commands.Command)(plugins_check.check)
app.command(cls=commands.Command)(plugins_new.new)


@app.callback(invoke_without_command=True)
def _list_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list", cls=commands.Command)
def list_plugins(
    context: typer.Context,
    kind: Annotated[
        str | None,
        typer.Option(
            help="List only this kind: backbone, modality, strategy, executor, objective, "
            "optimizer or observer."
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the tracebacks of broken plugins.")
    ] = False,
    as_json: arguments.Json = False,
) -> None:
    """List all plugins with their kind, name and origin, and broken plugins with the reason."""
    from enas_inr.plugins.loading import KINDS

    catalog = arguments.load_catalog(context)
    if kind is not None and kind not in KINDS:
        from enas_inr.validation import nearest

        raise SpecError(f"unknown kind {kind!r}", nearest(kind, KINDS))
    kinds = [kind] if kind else list(KINDS)
    if as_json:
        say_json(_as_dict(catalog, kinds))
    else:
        _print(catalog, kinds, verbose=verbose)


def _providers(catalog: Catalog, kinds: Iterable[str]) -> list[Provider]:
    """Return the providers of some kinds, sorted by kind."""
    return [p for kind in kinds for p in catalog.providers if p.description.kind == kind]


def _conflicts(catalog: Catalog, kinds: Iterable[str]) -> list[Conflict]:
    return [conflict for conflict in catalog.conflicts if conflict.kind in kinds]


def _print(catalog: Catalog, kinds: list[str], *, verbose: bool) -> None:
    from rich.text import Text

    from enas_inr.cli.tables import console, table

    out = console()
    rows = table("kind", "name", "summary", "from", heading="name")
    for provider in _providers(catalog, kinds):
        described = provider.description
        cells = (described.kind, described.name, described.summary, str(provider.origin))
        rows.add_row(*cells)
    out.print(rows)

    def tell(what: str, colour: str, text: str) -> None:
        out.print(Text.assemble((what, colour), f": {printable(text)}"), soft_wrap=True)

    for broken in catalog.broken:
        entry = broken.origin.entry_point
        said = f"{broken.origin} (entry point {entry!r}): {broken.reason}; {broken.hint}"
        tell("broken", "red", said)
        if verbose:
            out.print(printable_lines(broken.traceback), soft_wrap=True)
    for conflict in _conflicts(catalog, kinds):
        tell("conflict", "red", str(conflict.error()))
    for slow in catalog.slow:
        tell("slow", "yellow", str(slow))


def _as_dict(catalog: Catalog, kinds: list[str]) -> dict[str, Any]:
    return {
        "plugins": [
            {
                "kind": provider.description.kind,
                **asdict(provider.description),
                "distribution": provider.origin.distribution,
                "version": provider.origin.version,
            }
            for provider in _providers(catalog, kinds)
        ],
        "broken": [
            {
                **asdict(broken.origin),
                "reason": broken.reason,
                "hint": broken.hint,
                "traceback": broken.traceback,
            }
            for broken in catalog.broken
        ],
        "conflicts": [
            {
                "kind": conflict.kind,
                "name": conflict.name,
                "origins": [asdict(origin) for origin in conflict.origins],
                "hint": conflict.error().hint,
            }
            for conflict in _conflicts(catalog, kinds)
        ],
        "slow": [
            {**asdict(slow.origin), "seconds": slow.seconds, "modules": slow.modules}
            for slow in catalog.slow
        ],
    }
