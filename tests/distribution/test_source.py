"""The source distribution contains everything to build, test and document the project."""

import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from enas_inr import __version__

ROOT = Path(__file__).parents[2]


def test_the_source_distribution_holds_everything_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    packaged = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("plugins/*/*/*.py")}
    assert packaged <= names
    assert {"mkdocs.yml", "Makefile", "constraints.txt", "CITATION.cff", "docs/hooks.py"} <= names
    top = {name.split("/")[0] for name in names}
    assert not {"site", ".venv", "dist", ".git"} & top


PLUGINS = sorted(ROOT.glob("plugins/*/pyproject.toml"))


@pytest.mark.parametrize("path", PLUGINS, ids=[path.parent.name for path in PLUGINS])
def test_a_plugin_has_what_its_distribution_needs(path):
    data = tomllib.loads(path.read_text())
    project, build = data["project"], data["tool"]["hatch"]["build"]["targets"]
    (package,) = build["wheel"]["packages"]
    assert (path.parent / package / "py.typed").is_file()
    assert (path.parent / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert (project["license"], project["license-files"]) == ("MIT", ["LICENSE"])
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    versions = {one for one in ours if "Python :: 3" in one}
    assert {"Typing :: Typed", *versions} <= set(project["classifiers"])
    assert {f"/{package}", "/tests", "/README.md", "/LICENSE"} <= set(build["sdist"]["include"])
    (needed,) = [
        requirement
        for requirement in map(Requirement, project["dependencies"])
        if requirement.name == "enas-inr"
    ]
    assert needed.specifier.contains(__version__)
    assert not needed.specifier.contains("99")  # a range, so that a later enas-inr cannot break it
