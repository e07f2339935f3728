"""Kill a search at random moments, go on, and compare it with one that was left alone.

`enas-inr search` runs as a process of its own, by the strategy `race`, on a small photograph. It is
killed (SIGKILL, with all processes that it has started) after a random time, and started again,
until it has been killed as often as asked. Then it is left to end. The stored study must have the
winner of a search that was never killed, no configuration twice at the same fidelity, and every
trial that was stored at any kill.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from pages import filled, markdown

from enas_inr.errors import StudyError
from enas_inr.result import TrialResult
from enas_inr.studies.reading import read_study
from tests.soak.kills import content, trained_twice, winner

STUDY = "killed"
SEARCH = (
    "search sample:photo --size 64 --search grid=4,8 --widths 8,16,32,64 --depths 1,2,3 "
    "--steps 150 --strategy race --strategy-option samples=64 --strategy-option least=2 "
    f"--floor -99 --study {STUDY} --quiet --device cpu"
)

RUN = "import sys; from enas_inr.cli.main import run; sys.exit(run(sys.argv[1:]))"


@dataclass
class Killed:
    """What was found.

    Attributes:
        executor: where trials were trained.
        kills: number of kills.
        searches: number of searches that were killed, went on and ended.
        trials: number of their trials.
        other_winners: how many of them have another winner than one that was left alone.
        twice: configurations that were stored twice at the same fidelity.
        lost: trials that were stored at a kill, and were missing or different later.
    """

    executor: str
    kills: int = 0
    searches: int = 0
    trials: int = 0
    other_winners: int = 0
    twice: int = 0
    lost: int = 0

    @property
    def row(self) -> list[str]:
        """A row of the table."""
        counts = (self.kills, self.searches, self.trials)
        faults = (self.other_winners, self.twice, self.lost)
        return [f"`{self.executor}`", *map(str, counts + faults)]

    def add(self, trials: Sequence[TrialResult], alone: Sequence[TrialResult]) -> None:
        """Add a search that has ended."""
        self.searches += 1
        self.trials += len(trials)
        self.twice += trained_twice(trials)
        self.other_winners += winner(trials) != winner(alone)


def start(executor: str, storage: str) -> subprocess.Popen[bytes]:
    """Start the search, or go on with it, in a process group of its own."""
    options = ["--executor", executor, "--storage", storage]
    command = [sys.executable, "-c", RUN, *SEARCH.split(), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that are in its group or below it."""
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stored(storage: str) -> list[TrialResult]:
    """Return the trials that are stored now."""
    try:
        return read_study(STUDY, storage)[1]
    except StudyError:  # killed before it was created
        return []


def measure(executor: str, kills: int, seed: int, folder: Path) -> Killed:
    """Kill searches, and compare them with one that was left alone."""
    draw, found = random.Random(seed), Killed(executor)
    alone, file = (folder / f"{name}-{executor}.db" for name in ("alone", "killed"))
    began = time.perf_counter()
    if start(executor, f"sqlite:///{alone}").wait():
        raise RuntimeError("the search failed")
    longest = time.perf_counter() - began
    never = stored(f"sqlite:///{alone}")
    known: list[str] = []
    while found.kills < kills or known:
        process = start(executor, f"sqlite:///{file}")
        try:
            process.wait(draw.uniform(0, longest) if found.kills < kills else None)
        except subprocess.TimeoutExpired:
            kill(process)
            found.kills += 1
        trials = stored(f"sqlite:///{file}")
        now = [content(trial) for trial in trials]
        found.lost += sum(before != after for before, after in zip(known, now, strict=False))
        found.lost += max(0, len(known) - len(now))
        known = now
        if process.returncode == 0:  # the next search begins anew
            found.add(trials, never)
            known = []
            file.unlink()
        print(found, file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure, and print a table or write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--executors", nargs="+", default=["local", "ray"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, help="page whose table `kills` is to be written")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ENAS_INR_CACHE"] = folder
        found = [
            measure(executor, arguments.kills, arguments.seed, Path(folder))
            for executor in arguments.executors
        ]
    headings = ["executor", "kills", "searches", "trials"]
    headings += ["other winners", "trained twice", "lost"]
    made = markdown(headings, [one.row for one in found])
    if arguments.page:
        arguments.page.write_text(filled(arguments.page.read_text(), {"kills": made}))
    print(made)


if __name__ == "__main__":
    main()
