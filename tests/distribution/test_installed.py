"""The wheels work without the source tree: `make test-dist` builds and tests them.

They are installed in an environment of their own, which borrows their dependencies from this one,
because another download of torch would take longer than everything else.
"""

import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VARIABLE = "ENAS_INR_TEST_DIST"

pytestmark = pytest.mark.skipif(VARIABLE not in os.environ, reason="`make test-dist` runs it")

PROJECTS = [
    tomllib.loads(path.read_text())["project"]["name"]
    for path in [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
]
CONSUMER = """
import enas_inr
{imports}

result = enas_inr.search("sample:photo", grid=2)
reveal_type(result)
reveal_type(result.best)
reveal_type(enas_inr.load("photo.inr"))
"""


@pytest.fixture(scope="module")
def wheels():
    found = sorted(Path(os.environ[VARIABLE]).glob("*.whl"))
    names = {path.name.split("-")[0].replace("_", "-") for path in found}
    assert names == set(PROJECTS)
    return found


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """The folder of an environment with the wheels."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    command = [*pip, "install", "--quiet", "--no-index", "--no-deps", *map(str, wheels)]
    subprocess.run(command, check=True, cwd=folder)
    (packages,) = folder.glob("lib/python3*/site-packages")
    # Paths of a .pth file come last, and no .pth files are read in them: an editable installation
    # there is not found.
    borrowed = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "borrowed.pth").write_text("\n".join(borrowed))
    return folder


@pytest.fixture(scope="module")
def run(installed, tmp_path_factory):
    """Runs a program of the environment, in a folder without anything of the source tree."""
    cwd = tmp_path_factory.mktemp("work")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ENAS_INR"))}
    clean["ENAS_INR_CACHE"] = str(cwd / "cache")

    def called(program, *arguments):
        command = [installed / "bin" / program, *arguments]
        ended = subprocess.run(
            command, cwd=cwd, env=clean, capture_output=True, text=True, check=False, timeout=300
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return called


def test_the_wheel_is_what_is_imported(run, installed):
    script = "import enas_inr, enas_inr_wire; print(enas_inr.__file__, enas_inr_wire.__file__)"
    for path in run("python", "-c", script).split():
        assert Path(path).is_relative_to(installed)


def test_version_plugins_and_studies(run):
    versions = {run("enas-inr", "--version"), run("python", "-m", "enas_inr", "--version")}
    (version,) = versions
    assert version.split()[0] == "enas-inr"
    listed = json.loads(run("enas-inr", "plugins", "list", "--json"))
    assert (listed["broken"], listed["conflicts"]) == ([], [])
    assert {plugin["distribution"] for plugin in listed["plugins"]} == set(PROJECTS)
    studies = json.loads(run("enas-inr", "study", "list", "--json"))["studies"]
    assert {one["name"] for one in studies} == {p.stem for p in ROOT.glob("studies/*.toml")}


def test_from_a_signal_to_a_study_a_model_and_a_picture(run):
    sizes = ["--size", "16", "--steps", "2"]
    searched = ["--grid", "2", "--widths", "4,8", "--depths", "1", "--repeats", "1"]
    found = json.loads(run("enas-inr", "search", "sample:photo", *sizes, *searched, "--json"))
    assert found["best"]["psnr_db"] > 0
    fitted = ["--grid", "2", "--width", "4", "--depth", "1", "-o", "photo.inr", "--json"]
    assert json.loads(run("enas-inr", "fit", "sample:photo", *sizes, *fitted))["psnr_db"] > 0
    assert "photo.png" in run("enas-inr", "render", "photo.inr", "-o", "photo.png")


def test_a_study_that_comes_with_the_wheel_runs(run):
    changes = ["size=8", "repeats=1", "training.steps=2"]
    given = [word for change in changes for word in ("--set", change)]
    line = ["study", "run", "fig5_reconstructions", "--quick", "--json", "-q", *given]
    assert json.loads(run("enas-inr", *line))["rows"]


def test_a_type_checker_finds_the_types_of_all_wheels(installed, tmp_path):
    names = [name.replace("-", "_") for name in PROJECTS]
    script = tmp_path / "consumer.py"
    script.write_text(CONSUMER.format(imports="\n".join(f"import {name}" for name in names)))
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable"]
    ended = subprocess.run(
        [*command, installed / "bin" / "python", script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for kind in ("enas_inr.result.search.SearchResult", "enas_inr.result", "enas_inr.model"):
        assert kind in ended.stdout
