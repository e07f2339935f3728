"""No room of the package, and no module, imports in a circle: not inside functions or for types.

A room is a folder of the package or a loose file at its top. import-linter states which rooms lie
above which; this looks for circles only, but everywhere.
"""

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import enas_inr

PACKAGE = Path(enas_inr.__file__).parent
PYPROJECT = PACKAGE.parent / "pyproject.toml"
MAX_LAYERS = 14


def modules(package: Path) -> dict[str, Path]:
    """Name and file of every module; a folder's `__init__` has the name of the folder."""
    found = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def named(tree: ast.AST) -> Iterator[str]:
    """Return all imports of a file; `from a import b` gives both a.b and a."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not counted"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name: str, known: Mapping[str, Path]) -> str | None:
    """The module that an imported name is, or is in."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def imports_of(package: Path) -> dict[str, set[str]]:
    """The modules that each module of a package imports from it."""
    known = modules(package)
    found: dict[str, set[str]] = {}
    for module, path in known.items():
        targets = {module_of(name, known) for name in named(ast.parse(path.read_text()))}
        found[module] = {target for target in targets if target and target != module}
    return found


def room_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def between_rooms(imports: Mapping[str, set[str]]) -> Counter[tuple[str, str]]:
    """Count the imports from one room to another, by pair of rooms."""
    pairs = ((room_of(a), room_of(b)) for a, targets in imports.items() for b in targets)
    return Counter((a, b) for a, b in pairs if a != b)


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return one cycle of a graph, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_two_rooms_import_each_other_and_no_circle_joins_more():
    counts = between_rooms(imports_of(PACKAGE))
    both_ways = {pair: n for pair, n in counts.items() if pair[::-1] in counts}
    assert not both_ways, f"imports between rooms in both directions: {both_ways}"
    graph: dict[str, set[str]] = {}
    for room, other in counts:
        graph.setdefault(room, set()).add(other)
    found = circle(graph)
    steps = {pair: counts[pair] for pair in zip(found[1:], found, strict=False)}
    assert not found, f"rooms import in a circle: {found}, {steps} of {counts}"


def test_no_modules_import_in_a_circle():
    found = circle(imports_of(PACKAGE))
    assert not found, f"modules import in a circle: {' <- '.join(found)}"


def test_imports_in_functions_and_for_types_count(tmp_path):
    package = tmp_path / "house"
    (package / "hall").mkdir(parents=True)
    for name, text in {
        "__init__": "",
        "hall/__init__": "",
        "hall/door": "def open():\n    from house import kitchen\n",
        "kitchen": "if TYPE_CHECKING:\n    from house.hall.door import open\n",
        "roof": "import house.kitchen as kitchen, json\n",
    }.items():
        (package / f"{name}.py").write_text(text)
    found = imports_of(package)
    assert between_rooms(found) == {
        ("hall", "kitchen"): 1,
        ("kitchen", "hall"): 1,
        ("roof", "kitchen"): 1,
    }
    assert set(circle(found)) == {"house.hall.door", "house.kitchen"}


def test_the_rooms_lie_in_few_layers():
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    (rooms,) = [contract for contract in contracts if contract["type"] == "layers"]
    layers = rooms["layers"]
    assert len(layers) <= MAX_LAYERS, f"{len(layers)} layers: {layers}"
