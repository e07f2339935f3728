"""Strategies, objectives, executors and modalities that fail while they run: one line, exit 5."""

import pytest

from enas_inr.errors import SignalError, StudyError
from enas_inr.plugins.loading import KINDS
from tests.command_line import assert_one_line, call
from tests.plugins.plugin_site import describe, plugin

STRATEGY = """
from enas_inr.strategies.base import Strategy

class Plugin(Strategy):
    def __init__(self, space):
        self.specs = [candidate.spec for candidate in space.feasible]

    def propose(self, history, pending, n):
        proposed = [] if history else self.specs[:1]
        return {propose}

    def trace(self, history):
        return {trace}
"""
SELF_RUNNING = """
from enas_inr.executors.base import given
from enas_inr.executors.self_running import SelfRunning

class Plugin(SelfRunning):
    def __init__(self, space):
        self.specs = [candidate.spec for candidate in space.feasible]

    def propose(self, history, pending, n):
        return self.specs

    def trace(self, history):
        return []

    def run(self, loop):
        for result in loop.executor.run(given([loop.make_trial(self.specs[0], 0)])):
            loop.keep(result)
        {run}
"""
OBJECTIVE = """
from enas_inr.objectives.base import Objective

class Plugin(Objective):
    def score(self, result):
        return {score}
"""
EXECUTOR = """
from enas_inr.executors.base import Executor
from enas_inr.executors.local import LocalExecutor

class Plugin(Executor):
    def __init__(self, context):
        self.local = LocalExecutor(context)

    def run(self, trials):
        for result in self.local.run(trials):
            yield result
        {run}
"""
MODALITY = """
import torch
from enas_inr.signals.signal import Modality, Signal

class Plugin(Modality):
    def read(self, path):
        signal = Signal(torch.zeros(8, 8, 1), "mine", "mine")
        return {read}

    def write(self, signal, path):
        {write}
"""
GOOD = {
    "strategy": (STRATEGY, {"propose": "proposed", "trace": "[]"}),
    "self-running strategy": (SELF_RUNNING, {"run": "pass"}),
    "objective": (OBJECTIVE, {"score": "result.psnr_db"}),
    "executor": (EXECUTOR, {"run": "pass"}),
    "silent executor": (
        EXECUTOR.replace("self.local.run(trials)", "[]"),
        {"run": "pass"},
    ),
    "modality": (MODALITY, {"read": "signal", "write": "path.write_text('mine')"}),
}
BAD = [
    ("strategy", "propose", "1 / 0", " failed: ZeroDivisionError: division by zero (mine.py, li"),
    ("strategy", "propose", "None", " failed: TypeError: 'NoneType' object is not iterable"),
    ("strategy", "propose", "exit(3)", " failed: SystemExit: 3 (mine.py, line 10)"),
    ("strategy", "propose", "['siren']", ": it proposed 'siren', which is not a Configuration"),
    (
        "strategy",
        "propose",
        "[self.specs[0].with_value('width', 999)]",
        ": it proposed siren M=2 d=1 w=999, which is not in the space",
    ),
    ("strategy", "propose", "self.specs[:1]", ": it proposed siren M=2 d=1 w=4 a second time"),
    ("strategy", "propose", "self.specs[:1] * 2", ": it proposed siren M=2 d=1 w=4 a second time"),
    (
        "strategy",
        "propose",
        "self.specs[:1] * 65",
        ": it proposed 65 configurations, but at most 64 may be proposed",
    ),
    ("strategy", "trace", "[1]", ": its trace holds 1, which is not a TraceStep"),
    ("strategy", "trace", "1 / 0", " failed: ZeroDivisionError: division by zero (mine.py, line"),
    ("self-running strategy", "run", "1 / 0", " failed: ZeroDivisionError: division by zero"),
    ("objective", "score", "1 / 0", " failed: ZeroDivisionError: division by zero (mine.py, line"),
    ("objective", "score", "float('nan')", ": it scored siren M=2 d=1 w=4 as nan"),
    ("objective", "score", "None", " failed: TypeError: float() argument must be"),
    ("executor", "run", "1 / 0", " failed: ZeroDivisionError: division by zero (mine.py, line 12)"),
    ("executor", "run", "yield 'done'", ": it yielded 'done', which is not a TrialResult"),
    (
        "executor",
        "run",
        "yield result",
        ": it yielded siren M=2 d=1 w=8, which was not requested or had been yielded before",
    ),
    ("silent executor", "run", "trials.take(2)", ": it returned no result for 2 of the trials"),
    ("silent executor", "run", "pass", ": it ended while there were trials to take"),
    ("modality", "read", "1 / 0", " failed: ZeroDivisionError: division by zero (mine.py, line 8)"),
    ("modality", "read", "signal.values", ": read returned a Tensor, not a Signal"),
    ("modality", "write", "1 / 0", " failed: ZeroDivisionError: division by zero (mine.py, line"),
]
SMALL = "--grid 2 --widths 4,8 --depths 1 --repeats 1 --steps 2 --quiet"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mine").write_text("a signal")


@pytest.fixture
def install(site):
    """Installs a plugin of a kind, some parts of it changed; returns a command that uses it."""

    def installed(what, **parts):
        source, good = GOOD[what]
        for part, text in (good | parts).items():
            source = source.replace(f"{{{part}}}", text)
        site.write("mine", source)
        kind = what.split()[-1]
        fields = {"suffixes": (".mine",)} if kind == "modality" else {}
        returned = f"[{describe('mine', target='mine:Plugin', kind=kind.title(), **fields)}]"
        hook, _ = KINDS[kind]
        site.install("their-plugin", plugin(returned, hook=hook), version="0.9")
        if kind == "modality":
            return f"search a.mine -o out {SMALL}"
        return f"search sample:photo --size 16 --{kind} mine {SMALL}"

    return installed


@pytest.mark.parametrize("what", [what for what in GOOD if not what.startswith("silent")])
def test_a_plugin_of_each_kind_that_works_is_used(install, what):
    outcome = call(f"{install(what)} --json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["best"]


@pytest.mark.parametrize(("what", "part", "source", "reason"), BAD)
def test_one_that_fails_ends_the_command_with_one_line_that_names_it(
    install, what, part, source, reason
):
    outcome = call(install(what, **{part: source}))
    assert_one_line(outcome, 5)
    kind = what.split()[-1]
    assert f"{kind} 'mine' of their-plugin 0.9{reason}" in outcome.err
    assert f"choose another {kind}, upgrade their-plugin, or tell its authors" in outcome.err


def test_an_error_that_is_for_the_user_passes_as_it_is(install, monkeypatch):
    line = install("modality")

    def read(self, path):
        raise SignalError(f"{path} has no first line", "write one")

    monkeypatch.setattr("mine.Plugin.read", read)
    outcome = call(line)
    assert_one_line(outcome, 3)
    assert outcome.err == "enas-inr: a.mine has no first line; write one\n"


def test_a_storage_that_fails_while_a_strategy_keeps_a_result_is_not_its_fault(
    install, monkeypatch
):
    line = install("self-running strategy")

    def add(self, result, picture=None, whole=None):
        raise StudyError("cannot write to study.db: disk full", "make room")

    monkeypatch.setattr("enas_inr.studies.store.Store.add", add)
    outcome = call(line)
    assert_one_line(outcome, 6)
    assert outcome.err == "enas-inr: cannot write to study.db: disk full; make room\n"


def test_beside_one_that_fails_others_work(install):
    install("strategy", propose="1 / 0")
    assert call(f"search sample:photo --size 16 --strategy exhaustive {SMALL}").code == 0


def test_a_report_is_made_without_the_trace_of_a_strategy_that_fails(install, monkeypatch):
    line = install("strategy")
    assert call(f"{line} --study mine").code == 0
    monkeypatch.setattr("mine.Plugin.trace", lambda self, history: 1 / 0)
    assert call("report mine --format json").code == 0


def test_the_trials_before_a_failure_are_kept(install):
    line = install("strategy", propose="proposed or 1 / 0")
    assert_one_line(call(f"{line} --study mine"), 5)
    header, *trials = call("report mine --format csv").out.splitlines()
    assert "status" in header
    assert len(trials) == 1
