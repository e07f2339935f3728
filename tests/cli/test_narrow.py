"""In narrow terminals no number is broken, and no progress line loses the time that is left."""

import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout

import pytest

from enas_inr.cli.main import run
from enas_inr.cli.progress import Display, SearchProgress
from enas_inr.cli.saying import folded, folded_command
from enas_inr.executors.base import TrialProgress
from tests.command_line import call

SMALL = "--size 16 --grid 2 --widths 4,8 --depths 1 --steps 3 --repeats 1 --floor -99"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Run a command line in a terminal of a width, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "dumb")

    def shown(line, width):
        monkeypatch.setenv("COLUMNS", str(width))
        out = Terminal()
        with redirect_stdout(out), redirect_stderr(Terminal()):
            assert run(shlex.split(line)) in (0, 1)  # 1: `doctor` has found something
        return re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())

    return shown


def words_of(text):
    return {word.strip(",;:().`") for word in text.split()}


def check(text, width):
    for line in text.splitlines():
        assert len(line.rstrip()) <= width or " " not in line.strip(), line
    assert "…" not in text


@pytest.mark.parametrize("width", [60, 40])
@pytest.mark.parametrize("line", ["study list", "plugins list", "cost --width 512"])
def test_words_and_numbers_of_tables_are_whole(shown, line, width):
    text = shown(line, width)
    check(text, width)
    missing = {word for word in words_of(call(line).out) - words_of(text) if word.strip("─")}
    assert missing <= {"name", "study"}  # titles of columns that are headings there


@pytest.mark.parametrize("width", [60, 40])
def test_results_are_whole(shown, width):
    check(shown(f"search sample:photo {SMALL} --study s", width), width)
    check(shown("fit sample:photo --size 16 --study s", width), width)
    for line in ("info photo.inr", "compare s s"):
        text = shown(line, width)
        check(text, width)
        numbers = {word for word in words_of(call(line).out) if re.search(r"\d", word)}
        assert numbers <= words_of(text)


def test_a_line_is_broken_between_words_and_a_command_stays_one():
    line = folded("PSNR 35.12 dB, at borders 31.07", 16, 2)
    assert line == "PSNR 35.12 dB,\n  at borders\n  31.07"
    line = folded_command("next: enas-inr fit 'my own picture.png' --size 128", 30)
    assert line == "next: enas-inr fit \\\n  'my own picture.png' \\\n  --size 128"
    assert shlex.split(line.replace("\\\n", ""))[3:5] == ["my own picture.png", "--size"]


@pytest.mark.parametrize("width", [100, 60, 40])
def test_the_time_left_is_in_each_progress_line(width):
    progress = TrialProgress(3, "siren M=16 d=3 w=128 omega_first=30", 0.4, 200, 30.0)
    display = Display(quiet=True)
    assert "15:00 left" in display._line(progress, 600.0, width)
    search = SearchProgress(quiet=True)
    search._most, search._finished, search._trained = 40, 3, 3000.0
    line = search._line(progress, 600.0, width)
    assert len(line) <= width
    assert "15:00 left" in line
    assert "10:15:00" in line  # of the whole search
