"""Plugins may import only the names in the `__all__` of a module."""

import ast
import importlib
import re
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from enas_inr.plugins.scaffold.names import KINDS
from enas_inr.plugins.scaffold.package import render

ROOT = Path(__file__).parents[2]
CODE_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def public():
    """The names in `__all__` of each module of the package that has one."""
    found = {}
    for path in sorted(ROOT.glob("enas_inr/**/*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                found[name] = ast.literal_eval(node.value)
    return found


def test_every_public_module_is_in_the_reference(public):
    documented = set(re.findall(r"^::: (\S+)$", REFERENCE, re.MULTILINE))
    assert documented | {"enas_inr"} == set(public)


def imports(source):
    """The (module, name) of each import; the name is None for a whole module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            yield from ((node.module, alias.name) for alias in node.names)


def written_by_authors():
    """Return the code that plugin authors write, by its location."""
    for path in sorted(ROOT.glob("plugins/*/**/*.py")):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for kind in KINDS:
        for name, text in render(kind, "enas-inr-mine").items():
            if name.endswith(".py"):
                yield f"template of {kind}: {name}", text
    for page in ("write-a-backbone.md", "plugins.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        for number, block in enumerate(CODE_BLOCK.findall(text)):
            yield f"{page}, block {number}", block


WRITTEN = dict(written_by_authors())


def test_all_kinds_of_authors_are_looked_at():
    assert any(where.startswith("plugins/enas-inr-dask/tests") for where in WRITTEN)
    assert {f"template of {kind}: enas_inr_mine/{kind}.py" for kind in KINDS} <= set(WRITTEN)
    assert "write-a-backbone.md, block 0" in WRITTEN


@pytest.mark.parametrize("where", WRITTEN)
def test_authors_import_public_names_alone(public, where):
    for module, name in imports(WRITTEN[where]):
        if module.partition(".")[0] != "enas_inr":
            continue
        whole = f"{module}.{name}" if f"{module}.{name}" in public else module
        assert whole in public, f"{module} has no __all__"
        assert name is None or whole != module or name in public[module], f"{module}.{name}"


def test_every_public_name_exists_and_is_documented(public):
    assert {"enas_inr", "enas_inr.executors.trial", "enas_inr.testing"} <= set(public)
    for module, names in public.items():
        if module.endswith("triton_loops") and find_spec("triton") is None:
            continue  # Triton is there on Linux alone
        loaded = importlib.import_module(module)
        assert loaded.__file__
        described = set(described_constants(Path(loaded.__file__).read_text(encoding="utf-8")))
        assert loaded.__doc__, module
        assert len(set(names)) == len(names), module
        for name in names:
            if name == "__version__":  # self-explanatory
                continue
            value = getattr(loaded, name)
            own = vars(value) if isinstance(value, type) else {"__doc__": value.__doc__}
            is_code = isinstance(value, type) or callable(value)
            documented = is_code and not str(own.get("__doc__") or "None").startswith("None")
            assert documented or name in described, f"{module}.{name}"


def described_constants(source):
    """Return the variables of a module that are described by a string after the assignment."""
    body = ast.parse(source).body
    for node, following in pairwise(body):
        match node, following:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str())),
            ):
                yield name


def test_no_module_imports_a_private_name_of_another():
    for path in sorted(ROOT.glob("enas_inr/**/*.py")):
        for module, name in imports(path.read_text(encoding="utf-8")):
            ours = module.partition(".")[0] == "enas_inr"
            private = name is not None and name.startswith("_") and not name.startswith("__")
            assert not (ours and private), f"{path}: {module}.{name}"
