"""Functions that fit on a screen, with settings that travel as one object."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import enas_inr

PACKAGE = Path(enas_inr.__file__).parent
ROOMS = ("api", "cli")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_has_more_than_80_lines_or_12_parameters(room):
    found = [(path, node) for path in (PACKAGE / room).rglob("*.py") for node in functions(path)]
    assert found
    for path, node in found:
        arguments = node.args
        count = len([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs])
        lines = (node.end_lineno or 0) - node.lineno + 1
        assert (lines <= 80, count <= 12) == (True, True), f"{path.name}: {node.name}"
