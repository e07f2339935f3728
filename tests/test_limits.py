"""Files, functions and signatures do not exceed their limits."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("enas_inr", "plugins", "tests", "benchmarks", "docs")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 80
MAX_PARAMETERS = 12

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions() -> Iterator[tuple[str, Function]]:
    """Return every function and method of the package with its file."""
    for path in files("enas_inr"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function):
                yield f"{name_of(path)} {node.name}", node


def lines_of(function: Function) -> int:
    first = min(line.lineno for line in (function, *function.decorator_list))
    assert function.end_lineno is not None
    return function.end_lineno - first + 1


def parameters_of(function: Function) -> int:
    """Count the parameters; `*args` and `**kwargs` count once each."""
    asked = function.args
    named = [*asked.posonlyargs, *asked.args, *asked.kwonlyargs]
    return len(named) + (asked.vararg is not None) + (asked.kwarg is not None)


def beyond(sizes: dict[str, int], limit: int) -> dict[str, int]:
    return {name: size for name, size in sizes.items() if size > limit}


def test_no_file_is_too_long():
    sizes = {name_of(path): len(path.read_text().splitlines()) for path in files(*FOLDERS)}
    assert len(sizes) > 200
    assert beyond(sizes, MAX_FILE_LINES) == {}


def test_no_function_is_too_long():
    sizes = {name: lines_of(function) for name, function in functions()}
    assert beyond(sizes, MAX_FUNCTION_LINES) == {}


def test_no_function_has_too_many_parameters():
    sizes = {name: parameters_of(function) for name, function in functions()}
    assert beyond(sizes, MAX_PARAMETERS) == {}


def test_lines_and_parameters_are_counted_as_a_reader_does():
    source = "@a\n@b\ndef f(self, x, /, y, *args, z=1, **kwargs):\n    pass\n"
    (function,) = ast.parse(source).body
    assert isinstance(function, Function)
    assert (lines_of(function), parameters_of(function)) == (4, 6)
