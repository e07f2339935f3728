"""The source distribution contains everything to build, test and document the project."""

import subprocess
import sys
import tarfile
from pathlib import Path

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
