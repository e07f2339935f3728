"""A search that is killed or interrupted ends as if nothing had happened."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.optuna_studies import plain_optuna

pytest.importorskip("torch")  # needed by the searches in other processes

from tests.command_line import MAIN

SEARCH = "search sample:photo --size 24 --grid 3 --widths 8,16 --depths 1,2 --repeats 2 --steps 40"


INTERRUPTED = """
import os, sys
from enas_inr.cli.main import run
from enas_inr.studies.store import Store

signal, left, *line = sys.argv[1:]
left, add = int(left), Store.add

def add_or_die(*args):
    global left
    if left == 0:
        os.kill(os.getpid(), int(signal))
    left -= 1
    add(*args)

Store.add = add_or_die
sys.exit(run(line))
"""
"""A search that sends itself a signal after a number of stored trials, before the next one."""


def search_line(folder) -> list[str]:
    return [*SEARCH.split(), "--storage", f"sqlite:///{folder / 'study.db'}", "--json"]


def command(folder) -> list[str]:
    return [sys.executable, "-c", MAIN, *search_line(folder)]


def disturbed(folder, after: int, how: signal.Signals) -> subprocess.CompletedProcess[str]:
    line = [str(int(how)), str(after), *search_line(folder)]
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *line], capture_output=True, text=True, check=False
    )


def outcome(folder) -> dict[str, Any]:
    done = subprocess.run(command(folder), capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    for trial in [result["best"], *result["trials"]]:
        del trial["seconds"]
    return {name: result[name] for name in ("best", "trials", "study")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, Any]:
    return outcome(tmp_path_factory.mktemp("undisturbed"))


def test_kill_9_loses_at_most_the_trial_in_flight_and_changes_no_result(tmp_path, undisturbed):
    for kept in (1, 2):  # killed twice, the second time one trial later
        process = disturbed(tmp_path, 1, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        storage = f"sqlite:///{tmp_path / 'study.db'}"
        trials = plain_optuna(storage, undisturbed["study"]).trials
        assert len(trials) == kept
        assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert outcome(tmp_path) == undisturbed


def test_ctrl_c_ends_cleanly_and_says_how_to_go_on(tmp_path, undisturbed):
    process = disturbed(tmp_path, 1, signal.SIGINT)
    assert process.returncode == 130
    assert process.stdout == ""
    assert "run the same command again to resume" in process.stderr
    assert "Traceback" not in process.stderr
    assert outcome(tmp_path) == undisturbed


def test_a_finished_study_is_not_trained_again(tmp_path, undisturbed):
    first = outcome(tmp_path)
    again = subprocess.run(command(tmp_path), capture_output=True, text=True, check=True)
    assert first == undisturbed
    assert "score" not in again.stderr  # no trial ended in this run
    assert json.loads(again.stdout)["best"]["psnr_db"] == first["best"]["psnr_db"]
