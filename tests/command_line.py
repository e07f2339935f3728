"""Run a command line in this process or in a new one."""

import json
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO

import pytest

from enas_inr.cli.main import run

MAIN = "from enas_inr.cli.main import main; main()"


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def call(line):
    """Run a command line in this process."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(shlex.split(line))
    return Finished(code, out.getvalue(), err.getvalue())


def call_process(line, cwd, **options):
    """Run a command line as a shell does; most commands need torch."""
    find_spec("torch") or pytest.skip("torch is not installed")
    process = subprocess.run(
        [sys.executable, "-c", MAIN, *shlex.split(line)],
        cwd=cwd,
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **options,
    )
    return Finished(process.returncode, process.stdout, process.stderr)


def strict_json(text):
    """Read JSON, which has neither NaN nor infinity."""

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def plain(text):
    """Return the text without colours and line breaks, which depend on the environment."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


def assert_one_line(outcome, code):
    """Check that an error prints nothing on stdout and one line on stderr."""
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1, outcome.err
    assert outcome.err.startswith("enas-inr: ")
    assert outcome.err.endswith("\n")
    assert outcome.code == code


def modules_after(*command, cwd):
    """Run a command in a process of its own, and return the modules that it has imported."""
    script = (
        "import sys; from enas_inr.cli.main import run; code = run(sys.argv[1:]); "
        "print(code, *sys.modules, file=sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    code, *modules = process.stderr.split()
    assert code == "0"
    return modules
