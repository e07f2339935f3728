"""Nothing that a command prints or writes has the password of its storage."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from enas_inr.cli.app import app
from enas_inr.errors import ExitCode
from enas_inr.studies.location import VARIABLE
from tests.command_line import MAIN, assert_one_line, call

pytest.importorskip("torch")

TINY = "--size 8 --grid 2 --widths 4 --depths 1 --steps 2 --repeats 1"
COMMANDS = {
    "search": f"search sample:photo {TINY} --json -o out",
    "make": f"make sample:photo {TINY} --json -o out.inr",
    "fit": "fit sample:photo --study s --size 8 --steps 2 -o out.inr",
    "study run": "study run tiny.toml --json -q -o out",
    "report": "report s -o out.html",
    "compare": "compare s t --json",
    "oracle": "oracle s sample:photo --json",
    "dashboard": "dashboard --study s --no-open",
}
STUDY_FILE = """
title = "tiny"
signals = ["sample:photo"]
size = 8
repeats = 1
training = {steps = 2}
[[searches]]
name = "s"
grid = 2
widths = [4]
depths = [1]
"""
URLS = [
    "postgresql://u:SECRET@127.0.0.1:1/db",
    "postgresql://u:S%45CRET@127.0.0.1:1/db?sslpassword=SECRET",
    "postgresql+psycopg://u@127.0.0.1:1/db?password=SECRET",
    "mysql+pymysql://u:SECRET@127.0.0.1:1/db",
    "postgresql://u:SECR@SECRET@127.0.0.1:1/db",
    "postgresql://u:SECRET@127.0.0.1:port/db",
    "postgresql:u:SECRET@127.0.0.1/db",
    "nonsense://u:SECRET@host/db",
]


@pytest.fixture(autouse=True)
def drivers(tmp_path):
    pytest.importorskip("psycopg")
    pytest.importorskip("pymysql")
    (tmp_path / "tiny.toml").write_text(STUDY_FILE)


def written(folder):
    return "".join(f"{path} {path.read_bytes()!r}" for path in folder.rglob("*") if path.is_file())


def taking_a_storage(command, name=""):
    if commands := getattr(command, "commands", None):
        for child, found in commands.items():
            yield from taking_a_storage(found, f"{name} {child}".strip())
    elif any("--storage" in option.opts for option in command.get_params(typer.Context(command))):
        yield name


def test_each_command_that_takes_a_storage_is_tried_here():
    others = {"doctor"}  # tests/cli/test_doctor.py
    assert set(taking_a_storage(get_command(app))) - others == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_the_password_of_its_storage(tmp_path, monkeypatch, command):
    # All forms of URLs for the command that is fastest, and one of them for the others.
    urls = URLS if command == "report" else URLS[:1]
    for url in urls:
        outcome = call(f"{COMMANDS[command]} --storage '{url}'")
        assert outcome.code == ExitCode.STUDY
        assert_one_line(outcome, ExitCode.STUDY)
        assert "cannot be used: " in outcome.err
        assert "***" in outcome.err or "u@127.0.0.1:1/db" in outcome.err
        assert "SECR" not in outcome.out + outcome.err + written(tmp_path)
    monkeypatch.setenv(VARIABLE, URLS[0])
    by_environment = call(COMMANDS[command])
    assert by_environment.err.startswith("enas-inr: storage postgresql://u:***@127.0.0.1:1/db ")
    assert "SECR" not in by_environment.out + by_environment.err + written(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        f"fit {URLS[0]}",
        f"search {URLS[0]} {TINY}",
        f"report s -o {URLS[0]}",
        f"dashboard {URLS[0]}",
        f"compare a b --storage-b {URLS[0]} --storage none.db",
        f"report s --storage journal:{URLS[0]}",
        f"study run {URLS[0]}",
        f"info {URLS[0]}",
    ],
)
def test_a_storage_in_a_wrong_place_is_shown_without_its_password(tmp_path, line):
    outcome = call(line)
    assert outcome.code
    assert outcome.err
    assert "SECRET" not in outcome.out + outcome.err


def test_errors_in_python_have_no_password_even_with_their_traceback(tmp_path):
    script = f"""
import enas_inr
enas_inr.search("sample:photo", storage="{URLS[0]}", size=8, grid=2, widths=[4], depths=[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "StudyError: storage postgresql://u:***@127.0.0.1:1/db cannot be used" in done.stderr
    assert "SECRET" not in done.stdout + done.stderr.replace(URLS[0], "")  # but for the script


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_command_line_of_the_process_shows_no_password(tmp_path):
    script = f"""
from pathlib import Path
import enas_inr.cli.main as cli
cli.run = lambda arguments: print(Path("/proc/self/cmdline").read_text(), arguments) or 0
{MAIN}
"""
    words = ["search", "--storage", URLS[0], f"--storage={URLS[2]}", "a b", "mysql://u:p@h/db"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
    )
    shown, _, arguments = done.stdout.rpartition("\0")
    assert arguments.strip() == str(words)
    title = shown.split("\0")
    assert title[3:] == [
        "search", "--storage", "postgresql://u:***@127.0.0.1:1/db".ljust(len(URLS[0])),
        f"--storage={URLS[2].replace('SECRET', '***')}   ", "a b", "mysql://u:*@h/db",
    ]  # fmt: skip


def test_a_deleted_current_folder_is_an_error_in_one_line(tmp_path):
    script = f"import os; folder = {str(tmp_path / 'gone')!r}; os.mkdir(folder); os.chdir(folder); "
    script += f"os.rmdir(folder); {MAIN}"
    done = subprocess.run(
        [sys.executable, "-c", script, "cost", "--grid", "2"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert done.stderr == (
        "enas-inr: the current folder cannot be used: No such file or directory; "
        "change to one that exists\n"
    )
