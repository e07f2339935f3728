"""Distributions on disk as pip installs them, and the source of plugins."""

import importlib
from dataclasses import dataclass
from pathlib import Path

PLUGIN = """
from enas_inr.hookspecs import Backbone, Executor, Modality, Objective, Strategy, hookimpl

@hookimpl
def {hook}():
    return {returned}
"""


def plugin(returned, hook="enas_inr_backbones"):
    """The module of a plugin whose hook returns an expression."""
    return PLUGIN.format(returned=returned, hook=hook)


def describe(name, target="no_module:Net", options=None, kind="Backbone", **fields):
    """Return the expression of a description."""
    given = {"name": name, "summary": "a test", "target": target, "options": options, **fields}
    return f"{kind}({', '.join(f'{field}={value!r}' for field, value in given.items())})"


def backbone(*names, **fields):
    """The module of a plugin with these backbones."""
    return plugin(f"[{', '.join(describe(name, **fields) for name in names)}]")


@dataclass(frozen=True)
class Site:
    """A folder of installed distributions."""

    folder: Path

    def install(self, distribution, source, *, version="1.0", entry_point=None, requires=()):
        """Install a distribution with one plugin; return the name of its module."""
        name = distribution.replace("-", "_")
        module = self.write(f"{name}_plugin", source)
        metadata = self.folder / f"{name}-{version}.dist-info"
        metadata.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        (metadata / "METADATA").write_text("\n".join(lines) + "\n")
        entry = f"{entry_point or distribution} = {module}"
        (metadata / "entry_points.txt").write_text(f"[enas_inr]\n{entry}\n")
        return module

    def write(self, module, source):
        """Write a module; return its name."""
        (self.folder / f"{module}.py").write_text(source)
        importlib.invalidate_caches()
        return module


def providers(catalog, distribution):
    return [p for p in catalog.providers if p.origin.distribution == distribution]


def only_broken(catalog, distribution):
    (broken,) = [b for b in catalog.broken if b.origin.distribution == distribution]
    return broken
