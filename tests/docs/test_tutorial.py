"""The code and command lines of docs/write-a-backbone.md work as described."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

from enas_inr.testing import BackboneSuite, installed
from enas_inr.testing.verdict import RuleOutcome, verdicts
from tests.command_line import call
from tests.present import present
from tests.scripts import script

TEXT = (Path(__file__).parents[2] / "docs" / "write-a-backbone.md").read_text(encoding="utf-8")
PYTHON = re.compile(r"^```python\n# ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(PYTHON.findall(TEXT))
COMMANDS = re.findall(r"^\$ enas-inr (.*)$", TEXT, re.MULTILINE)
PACKAGE = ("enas_inr_sinc/__init__.py", "enas_inr_sinc/backbone.py")
ELSEWHERE = "plugins new"  # creates the package that the reader changes; tested elsewhere


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """The tutorial's package, installed, and an empty folder to work in."""
    site, work = tmp_path / "site", tmp_path / "work"
    metadata = site / "enas_inr_sinc-0.1.0.dist-info"
    for folder in (site / "enas_inr_sinc", metadata, work):
        folder.mkdir(parents=True)
    for name in PACKAGE:
        (site / name).write_text(FILES[name])
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: enas-inr-sinc\nVersion: 0.1.0\n"
    )
    (metadata / "entry_points.txt").write_text("[enas_inr]\nsinc = enas_inr_sinc\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(work)
    importlib.invalidate_caches()
    yield work
    for name in [name for name in sys.modules if name.split(".")[0] == "enas_inr_sinc"]:
        del sys.modules[name]


def code_lines(source):
    """Count the lines of code, without blank lines, comments and docstrings."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            documented |= set(range(node.body[0].lineno, present(node.body[0].end_lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(
        number not in documented and bool(line.strip()) and not line.lstrip().startswith("#")
        for number, line in lines
    )


def test_the_backbone_is_at_most_forty_lines_of_code():
    assert sum(code_lines(FILES[name]) for name in PACKAGE) <= 40


@pytest.mark.usefixtures("installation")
def test_the_backbone_keeps_every_rule():
    found = list(verdicts(BackboneSuite, installed("backbone", "sinc")))
    assert found
    assert [v for v in found if v.outcome is not RuleOutcome.PASSED] == []


def test_its_own_test_passes(installation):
    path = installation / "test_sinc.py"
    path.write_text(FILES["tests/test_enas_inr_sinc.py"])
    with script(path) as module:
        assert issubclass(module.TestSinc, BackboneSuite)
        module.test_the_slope_is_right_near_zero()


def test_its_commands_and_its_python_work(installation):
    for line in COMMANDS:
        if not line.startswith(ELSEWHERE):
            outcome = call(line)
            assert outcome.code == 0, (line, outcome.err)
            assert line != "plugins list" or "enas-inr-sinc 0.1.0" in outcome.out
    assert {path.name for path in installation.iterdir()} >= {"photo.inr", "photo-4x.png"}
    exec(compile(FILES["use.py"], "use.py", "exec"), {})


def test_every_step_is_one_that_the_tutorial_tells():
    first_words = {line.split()[0] for line in COMMANDS}
    assert first_words == {"plugins", "cost", "search", "fit", "render", "info"}
