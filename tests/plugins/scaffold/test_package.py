"""Packages created by `enas-inr plugins new` can be installed, tested and listed."""

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from enas_inr.cli.main import run
from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.plugins.scaffold import package
from enas_inr.plugins.scaffold.names import KINDS, LONGEST, check_unused, names_of
from enas_inr.plugins.scaffold.package import render, requirement, write

REPOSITORY = Path(__file__).parents[3]
INSTALLERS = ("pip", "hatchling", "editables")


def call(*command, cwd):
    """Return the output of a command in an environment with this enas-inr."""
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(folder):
    """Create a virtual environment that sees all packages of this one; return its Python."""
    call(sys.executable, "-m", "venv", "--without-pip", str(folder), cwd=folder.parent)
    (site,) = folder.glob("[Ll]ib/**/site-packages")
    here = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    # `addsitedir`, for packages that are themselves found through a .pth file.
    lines = [f"import site; site.addsitedir({path!r})" for path in sorted(here)]
    (site / "parent.pth").write_text("\n".join(lines))
    return str(
        next(p for p in (folder / "bin/python", folder / "Scripts/python.exe") if p.exists())
    )


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in INSTALLERS),
    reason=f"needs {', '.join(INSTALLERS)}",
)
def test_packages_of_all_kinds_can_be_installed_and_pass_their_tests_at_once(tmp_path, capsys):
    pytest.importorskip("torch")  # their tests need it
    folders = [tmp_path / f"enas-inr-new-{kind}" for kind in KINDS]
    for kind, folder in zip(KINDS, folders, strict=True):
        assert run(["plugins", "new", kind, folder.name, "-o", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "enas_inr_new_backbone/backbone.py" in said
    assert "enas-inr plugins check new-backbone" in said
    python = environment(tmp_path / "environment")
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    editable = [word for folder in folders for word in ("-e", str(folder))]
    call(
        *(sys.executable, "-m", "pip", "--python", python, "install"),
        *(*offline, *editable),
        cwd=tmp_path,
    )
    tests = [str(folder / "tests") for folder in folders]
    call(python, "-m", "pytest", "-q", "--import-mode=importlib", *tests, cwd=tmp_path)
    command = "from enas_inr.cli.main import main; main()"
    listed = json.loads(call(python, "-c", command, "plugins", "list", "--json", cwd=tmp_path))
    assert listed["broken"] == listed["conflicts"] == listed["slow"] == []
    assert {(kind, f"new-{kind}") for kind in KINDS} <= {
        (plugin["kind"], plugin["name"]) for plugin in listed["plugins"]
    }


@pytest.mark.parametrize("name", ["net", "n" * LONGEST], ids=["short", "long"])
@pytest.mark.parametrize("kind", KINDS)
def test_created_packages_are_clean(tmp_path, kind, name):
    folder = tmp_path / name
    write(folder, render(kind, folder.name))
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--no-cache", "--config", str(REPOSITORY / "pyproject.toml")]
    call(*ruff, "format", "--check", *config, cwd=folder)
    call(*ruff, "check", "--ignore", "TID253", *config, cwd=folder)  # torch, in the target's module
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "py.typed":
            text = path.read_text()
            assert text.endswith("\n")
            assert not text.endswith("\n\n")
            assert not any(mark in text for mark in ("{{", "{%", "PACKAGE", "PLUGIN"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sinc", "not a valid plugin name"),
        ("my_backbone", "like my-plugin"),
        ("3d", "beginning with a letter"),
        ("enas-inr-3d", "beginning with a letter"),
        ("enas-inr-", "not a valid plugin name"),
        ("my--net", "not a valid plugin name"),
        ("../net", "not a valid plugin name"),
        ("", "not a valid plugin name"),
        ("a-" * 20 + "b", "has 41 characters"),
        ("class", "'class' is a Python keyword"),
        ("enas-inr-none", "'None' is a Python keyword"),
        ("random", "'random' is a reserved module name"),
        ("tests", "'tests' is a reserved module name"),
        ("torch", "'torch' is already installed"),
        ("enas-inr", "'enas_inr' is already installed"),
        ("siren", "backbone 'siren' is provided by enas-inr"),
        ("enas-inr-siren", "choose another name"),
        ("layered-backbone", "the class LayeredBackbone would shadow another"),
        ("enas-inr-value-error", "the class ValueError would shadow another"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_in_a_line(
    tmp_path, monkeypatch, capsys, name, expected
):
    monkeypatch.chdir(tmp_path)
    assert run(["plugins", "new", "backbone", name]) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_refused_with_the_nearest_one(capsys):
    assert run(["plugins", "new", "backbones", "mine"]) == 2
    assert "did you mean 'backbone'?" in capsys.readouterr().err


def test_a_name_of_another_kind_is_free():
    check_unused(names_of("objective", "enas-inr-siren"), load_catalog())


def test_a_folder_in_use_is_refused_and_stays_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-net").mkdir()
    (tmp_path / "my-net" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    for folder in ("my-net", "file"):
        assert run(["plugins", "new", "backbone", "my-net", "-o", folder]) == 2
        said = capsys.readouterr().err
        assert f"'{folder}' is not an empty folder" in said
        assert said.count("\n") == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "my-net", "thesis.txt"]


def test_an_empty_folder_is_filled_also_where_one_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    monkeypatch.chdir("there")
    assert run(["plugins", "new", "objective", "my-score", "-o", "."]) == 0
    assert Path("my_score/objective.py").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_folder_without_a_parent_is_refused(tmp_path, capsys):
    where = str(tmp_path / "nowhere" / "my-net")
    assert run(["plugins", "new", "backbone", "my-net", "-o", where]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_a_package_that_cannot_be_written_completely_is_removed(tmp_path):
    files = {"a.py": "fine", "a.py/b.py": "a file is no folder"}
    with pytest.raises(SpecError, match="cannot be written"):
        write(tmp_path / "mine", files)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_readme_has_the_printed_commands(kind):
    said = package.commands(names_of(kind, "enas-inr-mine"))
    assert len(said) == 4
    for command in said:
        assert f"$ {command}\n" in render(kind, "enas-inr-mine")["README.md"]


def test_a_package_requires_the_versions_of_enas_inr_that_it_was_written_for():
    assert requirement("0.1.3") == "enas-inr>=0.1,<0.2"
    ours = (REPOSITORY / "plugins/enas-inr-wire/pyproject.toml").read_text()
    made = render("backbone", "enas-inr-sinc")["pyproject.toml"]
    assert '"enas-inr>=0.1,<0.2"' in ours
    assert '"enas-inr>=0.1,<0.2"' in made
