"""Add content to the site: pages from outside docs/, the command line and the backbones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import cleandoc
from pathlib import Path

import typer
from griffe import Docstring, DocstringSectionAttributes
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click
from typer.main import get_command

from enas_inr.cli.app import app
from enas_inr.cost import NetCost, NetShape
from enas_inr.hookspecs import Backbone
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Provider
from enas_inr.spec import SignalInfo
from enas_inr.testing.plugin import Plugin

ROOT = Path(__file__).parents[1]
CONTENT = (
    "*.md", "docs/**/*.md", "docs/*.css", "docs/images/*", "docs/sounds/*", "docs/cluster/*",
    "docs/notebooks/*.ipynb", "benchmarks/*.md",
    "plugins/**/*.md", "studies/results/**/*.md", "studies/results/**/*.csv",
    "studies/results/**/*.png",
)  # fmt: skip
PICTURE = SignalInfo(name="picture", modality="image", shape=(128, 128), channels=3)
SHAPE = NetShape(in_features=2, out_features=3, depth=1, width=32)
GRID = 8


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Arrange the files as in the repository, so that links work in both."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    paths = sorted({path for pattern in CONTENT for path in ROOT.glob(pattern) if path.is_file()})
    ours = [
        File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path))
        for path in paths
    ]
    return Files([*theme, *ours])


def on_page_markdown(markdown: str, **_: object) -> str:
    """Insert the generated parts of a page."""
    for name, generate in GENERATED.items():
        mark = f"<!-- generated: {name} -->"
        if mark in markdown:
            markdown = markdown.replace(mark, generate())
    return markdown


def commands() -> str:
    """Return the reference of all commands with their options."""
    command = get_command(app)
    context = typer.Context(command, info_name="enas-inr")
    text = "\n" + get_docs_for_click(obj=command, ctx=context, name="enas-inr")
    # The list of commands is shortened and therefore unreadable.
    listed = re.compile(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n")
    return listed.sub("", text).replace("\n#", "\n##")


def backbones() -> str:
    """Return a table of the costs of all installed backbones, and a section for each of them."""
    catalog = load_catalog()
    found = [p for p in catalog.providers if isinstance(p.description, Backbone)]
    costs = {p.description.name: _cost(catalog, p) for p in found}
    rows = (
        _costs(p.description.name, c, costs["siren"])
        for p, c in zip(found, costs.values(), strict=True)
    )
    table = _table(("backbone", "FLOPs per sample", "parameters"), rows)
    return table + "".join(_section(catalog, provider) for provider in found)


GENERATED: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "backbones": backbones,
}
"""The generated parts that pages can contain, by name."""


def _cost(catalog: Catalog, provider: Provider) -> NetCost:
    plugin = Plugin(provider, catalog)
    cost = plugin.create(options=plugin.resolved(PICTURE, GRID)).cost(SHAPE)
    assert isinstance(cost, NetCost)
    return cost


def _costs(name: str, cost: NetCost, siren: NetCost) -> tuple[str, ...]:
    once = f", and {2 * cost.macs_once:,} once per cell" if cost.macs_once else ""
    return (
        f"`{name}`",
        f"{2 * cost.macs_per_sample:,} ({cost.macs_per_sample / siren.macs_per_sample:.2f}){once}",
        f"{cost.parameters:,} ({cost.parameters / siren.parameters:.2f})",
    )


def _section(catalog: Catalog, provider: Provider) -> str:
    described, package = provider.description, provider.origin.distribution
    assert isinstance(described, Backbone)
    page = f"plugins/{package}/README.md"
    link = f"[{package}](../{page})" if (ROOT / page).exists() else package
    options = list(_options(catalog, described.name))
    return (
        f"\n### `{described.name}`\n\n"
        f"{described.summary[:1].upper()}{described.summary[1:]}.\n\n"
        f"- Initialisation: {described.initialisation}\n"
        f"- Learning rate: {described.learning_rate:g}\n"
        f"- Source: {described.citation}\n"
        f"- Package: {'built in' if provider.origin.is_ours else link}\n"
        + ("\n" + _table(("option", "default", "meaning"), options) if options else "")
    )


def _options(catalog: Catalog, backbone: str) -> Iterator[tuple[str, ...]]:
    options = catalog.options("backbone", backbone, {})
    if options is not None:
        classes = reversed(type(options).__mro__)
        said = {name: text for cls in classes for name, text in _attributes(cls).items()}
        for name, default in options.model_dump(mode="json").items():
            yield f"`{name}`", f"`{default}`", said[name]


def _attributes(cls: type) -> dict[str, str]:
    """Return the descriptions of attributes in the docstring of a class."""
    sections = Docstring(cleandoc(cls.__doc__ or "")).parse("google", warnings=False)
    return {
        attribute.name: " ".join(attribute.description.split())
        for section in sections
        if isinstance(section, DocstringSectionAttributes)
        for attribute in section.value
    }


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )
