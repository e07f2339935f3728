"""What the reference is made of: docstrings, abstract methods, the packages in plugins/."""

from __future__ import annotations

import ast
import inspect
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, version
from importlib.util import find_spec
from pathlib import Path

import enas_inr
from enas_inr.hookspecs import PROJECT
from enas_inr.plugins.catalog import BUILTIN, Catalog, Origin, build_catalog

PLUGINS = Path(__file__).parent.parent / "plugins"


@dataclass(frozen=True)
class Method:
    """A method as its source states it."""

    name: str
    signature: str
    doc: str


@contextmanager
def all_plugins() -> Iterator[Catalog]:
    """Our own plugins and those in plugins/, installed or not."""
    found = [
        (
            EntryPoint("builtin", BUILTIN, PROJECT),
            Origin("enas-inr", version("enas-inr"), "builtin"),
        )
    ]
    before = list(sys.path)
    for path in sorted(PLUGINS.glob("*/pyproject.toml")):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        sys.path.append(str(path.parent))
        for name, value in project["entry-points"][PROJECT].items():
            origin = Origin(project["name"], project["version"], name)
            found.append((EntryPoint(name, value, PROJECT), origin))
    try:
        catalog = build_catalog(found)
        catalog.check()
        yield catalog
    finally:
        sys.path[:] = before


def abstract_methods(target: str) -> list[Method]:
    """The methods that a class derived from `package.module:Class` must have."""
    return [
        Method(node.name, _signature(node), ast.get_docstring(node) or "")
        for node in _class(target).body
        if isinstance(node, ast.FunctionDef)
        and any(getattr(mark, "id", "") == "abstractmethod" for mark in node.decorator_list)
    ]


def class_doc(target: str) -> str:
    """The docstring of `package.module:Class`."""
    return ast.get_docstring(_class(target)) or ""


def public_modules() -> dict[str, list[str]]:
    """The names in `__all__` of each module of ours that has one."""
    (root,) = enas_inr.__path__
    public = {}
    for path in sorted(Path(root).rglob("*.py")):
        parts = path.relative_to(Path(root).parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        for node in _tree(name).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                public[name] = ast.literal_eval(node.value)
    return public


def module_summary(name: str) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(_tree(name)) or "").splitlines()[0]


def attributes(cls: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say of each attribute."""
    said: dict[str, str] = {}
    for part in reversed(cls.__mro__):
        _, _, section = (inspect.cleandoc(part.__doc__ or "")).partition("Attributes:\n")
        name = ""
        for line in section.splitlines():
            if line and not line.startswith(" "):
                break
            if line.startswith("        "):
                said[name] += " " + line.strip()
            elif line.strip():
                name, _, text = line.strip().partition(": ")
                said[name] = text
    return said


def _signature(node: ast.FunctionDef) -> str:
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){returned}".replace("'", '"')


def _class(target: str) -> ast.ClassDef:
    module, _, name = target.partition(":")
    (found,) = [n for n in _tree(module).body if isinstance(n, ast.ClassDef) and n.name == name]
    return found


def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
