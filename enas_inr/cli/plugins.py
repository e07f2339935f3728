"""`enas-inr plugins`: what is installed, and what is broken."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enas_inr.cli import plugins_check

if TYPE_CHECKING:
    from enas_inr.catalog import Catalog

app = typer.Typer(help="See what backbones, modalities, strategies, ... there are; check one.")
app.command()(plugins_check.check)


@app.callback(invoke_without_command=True)
def _list_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list")
def list_plugins(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List everything by kind and name, where it comes from, and what is broken and why."""
    from enas_inr.catalog import KINDS, load_catalog

    catalog = load_catalog(plugins=context.obj)
    if as_json:
        print(json.dumps(_as_dict(catalog), indent=2))
        return
    from rich.markup import escape

    from enas_inr.cli.tables import console, table

    out = console()
    rows = table("kind", "name", "summary", "from")
    for kind in KINDS:
        for provider in catalog.providers:
            described = provider.description
            if described.kind == kind:
                rows.add_row(kind, described.name, escape(described.summary), str(provider.origin))
    out.print(rows)
    for broken in catalog.broken:
        out.print(f"[red]broken[/]: {broken.origin}: {escape(broken.reason)}")


def _as_dict(catalog: Catalog) -> dict[str, Any]:
    return {
        "plugins": [
            {
                "kind": provider.description.kind,
                **asdict(provider.description),
                "distribution": provider.origin.distribution,
                "version": provider.origin.version,
            }
            for provider in catalog.providers
        ],
        "broken": [
            {
                "distribution": broken.origin.distribution,
                "version": broken.origin.version,
                "entry_point": broken.origin.entry_point,
                "reason": broken.reason,
                "traceback": broken.traceback,
            }
            for broken in catalog.broken
        ],
    }
