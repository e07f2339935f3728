"""Searches with workers in virtual time that are killed at random moments, and go on."""

import json
import subprocess
import sys
from itertools import pairwise

import pytest

pytest.importorskip("torch")  # parts of trials are joined by it

KILLED = """
import json, os, random, signal, sys
from dataclasses import replace

import torch

from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import best_of, compared
from enas_inr.spec import StudySpec
from enas_inr.strategies.coordinate import CoordinateAscent
from enas_inr.strategies.race import Race
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.studies.store import Store
from enas_inr.testing.lookup import PICTURE, lookup_space, toy_table
from enas_inr.testing.simulated import SimulatedExecutor, lognormal_seconds

name, folder, signals = sys.argv[1:]
axes = {"grid": (2, 4, 8), "width": (8, 16, 32), "depth": (1, 2, 3)}
space = lookup_space(axes, 10**9)
make = {"coordinate": CoordinateAscent, "race": Race}[name]
several = [PICTURE.model_copy(update={"fingerprint": str(n)}) for n in range(int(signals))]
space = replace(space, signals=max(1, len(several)))
spec = StudySpec(signal=PICTURE, signals=several, space=space.space, repeats=1)
draw = random.Random(3)


def amount(result):
    return f"{result.key} {result.trial.signal}", result.fidelity.cells


def searched(file, left=-1):
    # The process kills itself after a number of events: before or after a result is stored.
    def event():
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    class Mortal(Store):
        def add(self, result, picture=None, whole=None):
            event()
            super().add(result, picture)
            event()

    executor = SimulatedExecutor(toy_table(space, 1), 5, lognormal_seconds(1, draw.randrange(99)))
    strategy = make(space)
    with Mortal("study", spec, file) as store:
        history = run_loop(
            Gathering(spec, space, PsnrFlops()), strategy, executor, store, Observer()
        )
        trials = store.results()
        assert several or trials == history
    best = best_of(compared(history, strategy.trace(history)))
    amounts = [(*amount(r), r.fidelity.repeats) for r in trials]
    return {"best": best.key, "trained": amounts}


died = 0
for _ in range(5):
    moment = draw.randint(1, 12)
    child = os.fork()
    if child == 0:
        searched(f"sqlite:///{folder}/killed.db", moment)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    died += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    with Store("study", spec, f"sqlite:///{folder}/killed.db") as store:
        print(json.dumps([amount(r) for r in store.results()]))
print(json.dumps(searched(f"sqlite:///{folder}/killed.db") | {"died": died}))
print(json.dumps(searched(f"sqlite:///{folder}/whole.db")))
"""


@pytest.mark.parametrize("signals", [0, 6])
@pytest.mark.parametrize("strategy", ["coordinate", "race"])
def test_a_search_killed_at_random_moments_ends_with_the_same_winner(tmp_path, strategy, signals):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, strategy, str(tmp_path), str(signals)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *stored, killed, whole = map(json.loads, done.stdout.splitlines())
    assert killed["died"] >= 3
    assert killed["best"] == whole["best"]
    amounts = [tuple(amount) for amount in killed["trained"]]
    assert len(set(amounts)) == len(amounts)  # nothing was trained twice
    ended = [amount[:2] for amount in killed["trained"]]
    for earlier, later in pairwise([*stored, ended]):
        assert later[: len(earlier)] == earlier  # and nothing was lost
