"""Kill commands at random moments, run them again, and compare with runs that were left alone.

    python -m tests.soak.kills --kills 200

Each command of COMMANDS runs as a process of its own. After a random time it gets a random signal,
alone or with its process group, and the same command is run again, until it is left to end. Then
its results must be those of an undisturbed run. It prints a table with a row for each command, and
ends with code 1 if anything was lost, trained twice, different, left over or hanging.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

import psutil
from PIL import Image

from enas_inr.errors import ExitCode, StudyError
from enas_inr.result import TrialResult, best_of
from enas_inr.studies.reading import read_study
from enas_inr.studies.storage import study_names
from tests.soak.processes import Process, alive, begin_forks, handles, named_process, start

REAL_EVERY = 4  # one of so many starts is that of a new Python, and the others are forks
HANG_SECONDS = 60.0  # from a signal to the end of the process
ORPHAN_SECONDS = 30.0  # to the end of all its processes
RAY_SECONDS = 120.0  # the same with Ray, whose agents look for a cluster that has gone for 60 s
AGAIN_SECONDS = 0.7  # to the second of two signals; one that comes sooner counts as the first
MOST_KILLS = 4  # of one run, which is then left to end

SIGNALS: Mapping[str, Sequence[signal.Signals]] = {
    "KILL": [signal.SIGKILL],
    "TERM": [signal.SIGTERM],
    "INT": [signal.SIGINT],
    "HUP": [signal.SIGHUP],
    "INT twice": [signal.SIGINT, signal.SIGINT],
}

SEARCH = "search photo.png --size 32 --widths 4,8 --depths 1,2 --steps 20 --floor -99 --quiet"
FIT = "--grid 2 --width 8 --depth 1 --quiet"
STUDY = """
title = "soak"
signals = ["photo.png"]
size = 32
repeats = 1
[training]
steps = 30
[[searches]]
name = "all"
grids = [1, 2]
widths = [4, 8]
depths = [1]
"""
COMMANDS = {
    "search coordinate, local, SQLite": f"{SEARCH} --grid 2 --strategy coordinate --storage s.db",
    "search race, local, journal": f"{SEARCH} --search grid=1,2 --strategy race "
    "--strategy-option samples=8 --strategy-option least=2 --storage journal:s.log",
    "fit": f"fit photo.png {FIT} --size 96 --steps 1500 -o one.inr",
    "fit of many": f"fit pictures {FIT} --steps 600 -o models",
    "study run, local, SQLite": "study run study.toml --quiet --storage s.db -o record",
    "search coordinate, ray, SQLite": f"{SEARCH} --grid 2 --strategy coordinate --storage s.db "
    "--executor ray --workers 1",
    "fit of many, ray": f"fit pictures {FIT} --steps 600 -o models --jobs 1",
}


@dataclass
class Counts:
    """What was found for one command; all but the first three are faults."""

    kills: int = 0
    runs: int = 0
    results: int = 0
    lost: int = 0
    twice: int = 0
    other: int = 0  # runs with another winner, or other bytes of a model
    hangs: int = 0
    orphans: int = 0
    codes: int = 0  # exit codes that are not those of the signal
    tracebacks: int = 0
    remarks: list[str] = field(default_factory=list)

    def remark(self, line: str) -> None:
        """Keep a line about a fault, and show it at once."""
        self.remarks.append(line)
        print(line, file=sys.stderr, flush=True)

    @property
    def faults(self) -> int:
        """The number of faults."""
        return (
            self.lost + self.twice + self.other + self.hangs
            + self.orphans + self.codes + self.tracebacks
        )  # fmt: skip


def prepare(folder: Path, photo: Path) -> None:
    """Make a folder with what the commands need."""
    folder.mkdir(parents=True)
    shutil.copyfile(photo, folder / "photo.png")
    (folder / "pictures").mkdir()
    with Image.open(photo) as image:
        for number in range(3):
            part = image.crop((number * 30, 0, number * 30 + 32, 32))
            part.save(folder / "pictures" / f"{number}.png")
    (folder / "study.toml").write_text(STUDY)


def models(folder: Path) -> dict[str, str]:
    """Return the bytes of models by their names."""
    return {path.name: path.read_bytes().hex() for path in sorted(folder.rglob("*.inr"))}


def studies(folder: Path) -> Iterator[tuple[str, list[TrialResult]]]:
    """Iterate over the studies of a run with their trials.

    There are none if the storage was killed while it was created, and a study has none if it was
    killed before it was described.
    """
    for file, url in (("s.db", f"sqlite:///{folder}/s.db"), ("s.log", f"journal:{folder}/s.log")):
        names: Sequence[str] = ()
        if (folder / file).exists():
            with suppress(StudyError):
                names = study_names(url)
        for name in names:
            trials: list[TrialResult] = []
            with suppress(StudyError):
                trials = read_study(name, url)[1]
            yield name, trials


def content(trial: TrialResult) -> str:
    """Return what must not change of a stored trial."""
    return json.dumps(trial.model_dump(mode="json"), sort_keys=True)


def trained_twice(trials: Sequence[TrialResult]) -> int:
    """Return how many configurations were stored more than once at the same fidelity."""
    amounts = Counter(
        (t.key, t.trial.signal, t.fidelity.cells, t.fidelity.steps, t.trial.repeats) for t in trials
    )
    return sum(count > 1 for count in amounts.values())


def winner(trials: Sequence[TrialResult]) -> str:
    """Return the key of the best trial."""
    best = best_of(trials)
    return best.key if best else ""


def results(folder: Path) -> dict[str, str]:
    """Return what is finished: trials by study and number, and the bytes of models."""
    found = models(folder)
    for name, trials in studies(folder):
        for trial in trials:
            found[f"{name}/{trial.trial.number}"] = content(trial)
    return found


def whole(folder: Path) -> tuple[object, ...]:
    """Return the outcome of a run, and how much it has stored."""
    return outcome(folder)[0], len(results(folder))


def outcome(folder: Path) -> tuple[dict[str, str], int]:
    """Return what must be equal of two runs, and how many trials were stored more than once."""
    found, twice = models(folder), 0
    for name, trials in studies(folder):
        found[name] = winner(trials)
        twice += trained_twice(trials)
    return found, twice


def uses_ray(line: str) -> bool:
    """Whether a command trains with Ray, which is not started by a fork."""
    return "ray" in line or "--jobs" in line


def kill(process: Process, kind: str, *, group: bool, counts: Counts) -> bool:
    """Send signals of a kind; return False if the process has ended before."""
    for number, one in enumerate(SIGNALS[kind]):
        if number:
            with suppress(subprocess.TimeoutExpired):
                process.wait(AGAIN_SECONDS)
        if process.poll() is not None:
            return number > 0
        with suppress(ProcessLookupError):
            # A fork may not have its own group yet.
            alone = not group or os.getpgid(process.pid) != process.pid
            os.kill(process.pid, one) if alone else os.killpg(process.pid, one)
    try:
        process.wait(HANG_SECONDS)
    except subprocess.TimeoutExpired:
        counts.hangs += 1
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return True


def check_end(process: Process, kind: str, outside: bool, text: str, counts: Counts) -> None:
    """Check how a process has ended after a signal, before, in or after its work."""
    number = SIGNALS[kind][0]
    usual = {-number} if number == signal.SIGKILL else {128 + number, 0}
    if outside:  # it may have ended just before the signal was sent
        usual |= {-number, 0, 1}
    elif "Traceback" in text or "***" in text:
        counts.tracebacks += 1
        counts.remark(f"{kind}: {text[-3000:]}")
    if process.returncode not in usual:
        counts.codes += 1
        counts.remark(f"{kind}: code {process.returncode}, outside {outside}: {text[-1000:]}")


def check_orphans(session: int, seconds: float, counts: Counts) -> None:
    """Wait until all processes of a run have ended; end and count those that are left."""
    until = time.monotonic() + seconds
    while (left := alive(session)) and time.monotonic() < until:
        psutil.wait_procs(left, timeout=max(0.0, until - time.monotonic()))
    if left:
        counts.orphans += len(left)
        counts.remark(f"left: {', '.join(map(named_process, left))}")
        for one in left:
            with suppress(psutil.Error):
                one.kill()


def disturbed(
    line: str,
    folder: Path,
    times: tuple[float, float],
    draw: random.Random,
    most: int,
    wanted: tuple[object, ...],
    counts: Counts,
) -> None:
    """Run a command until it ends by itself, with kills before.

    Args:
        line: the command.
        folder: where it runs.
        times: seconds that an undisturbed run takes, by a fork and by a new Python.
        draw: draws the signals and the moments.
        most: most kills.
        wanted: what an undisturbed run leaves.
        counts: receives what is found.
    """
    shortest, longest = times
    known: dict[str, str] = {}
    said, killed = folder / "said.txt", 0
    while True:
        ray = uses_ray(line)
        fork = not ray and draw.randrange(REAL_EVERY) > 0
        said.unlink(missing_ok=True)
        process = start(line, folder, said, fork=fork)
        if killed == most:
            process.wait()
        else:
            with suppress(subprocess.TimeoutExpired):
                process.wait(draw.uniform(0, shortest if fork else longest))
        kind, early = draw.choice(list(SIGNALS)), not handles(process)
        group = draw.random() < 0.5
        sent = process.poll() is None and kill(process, kind, group=group, counts=counts)
        text = said.read_text(errors="replace") if said.exists() else ""
        if sent:
            killed += 1
            counts.kills += 1
            # After its last step, a command leaves signals to the system again.
            late = whole(folder) == wanted
            check_end(process, kind, early or late, text, counts)
        # A fit may be killed when its file is written, which it then does not overwrite.
        written = killed and process.returncode == ExitCode.MODEL and "exists already" in text
        ended = process.returncode == 0 or written
        if not sent and not ended:
            counts.codes += 1
            counts.remark(f"after {killed} kills: code {process.returncode}: {text[-1000:]}")
            return
        check_orphans(process.pid, RAY_SECONDS if ray else ORPHAN_SECONDS, counts)
        now = results(folder)
        lost = [name for name, content in known.items() if now.get(name) != content]
        counts.lost += len(lost)
        if lost:
            counts.remark(f"lost or changed after {kind}: {', '.join(lost)}")
        known = now
        if ended:
            counts.results += len(now)
            return


def measure(name: str, kills: int, seed: int, until: float, photo: Path, folder: Path) -> Counts:
    """Kill one command as often, and compare each run with one that was left alone."""
    line, counts, draw = COMMANDS[name], Counts(), random.Random(f"{seed} {name}")
    alone = folder / "alone"
    times = []
    for fork in (not uses_ray(line), False):
        shutil.rmtree(alone, ignore_errors=True)
        prepare(alone, photo)
        began = time.monotonic()
        if start(line, alone, folder / "alone.txt", fork=fork).wait():
            raise RuntimeError(f"{name} failed: {(folder / 'alone.txt').read_text()}")
        times.append(time.monotonic() - began)
        if not fork:
            break
    (wanted, _), all_of_it = outcome(alone), whole(alone)
    while counts.kills < kills and time.monotonic() < until:
        here = folder / f"run{counts.runs}"
        prepare(here, photo)
        most = min(MOST_KILLS, kills - counts.kills)
        disturbed(line, here, (times[0], times[-1]), draw, most, all_of_it, counts)
        found, twice = outcome(here)
        counts.runs += 1
        counts.twice += twice
        if found != wanted:
            counts.other += 1
            names = [key for key in {*found, *wanted} if found.get(key) != wanted.get(key)]
            counts.remark(f"not as undisturbed: {names}")
        shutil.rmtree(here)
        print(name, counts.kills, counts.faults, file=sys.stderr, flush=True)
    return counts


def shares(kills: int, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Divide the kills among the commands."""
    for number, name in enumerate(names):
        yield name, kills * (number + 1) // len(names) - kills * number // len(names)


def run(
    names: Sequence[str], kills: int, seed: int, jobs: int, seconds: float = math.inf
) -> dict[str, Counts]:
    """Kill some commands as often in all, as far as the time is enough."""
    until = time.monotonic() + seconds
    from enas_inr.plugins.catalog import load_catalog
    from enas_inr.signals.loading import load_signal, save_signal

    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(jobs) as pool:
        photo, catalog = Path(temporary) / "photo.png", load_catalog()
        save_signal(catalog, load_signal(catalog, "sample:photo", {"size": [96, 112]}), photo)
        begun = {
            name: pool.submit(
                measure, name, share, seed, until, photo, Path(temporary, str(number))
            )
            for number, (name, share) in enumerate(shares(kills, names))
            if share
        }
        return {name: one.result() for name, one in begun.items()}


def table(found: Mapping[str, Counts]) -> str:
    """Return the counts as a table in Markdown."""
    columns = [one.name for one in fields(Counts) if one.name != "remarks"]
    rows = [["command", *columns]]
    rows += [[name, *(str(getattr(one, c)) for c in columns)] for name, one in found.items()]
    total = [str(sum(getattr(one, c) for one in found.values())) for c in columns]
    lines = ["| " + " | ".join(row) + " |" for row in [*rows, ["all", *total]]]
    return "\n".join([lines[0], "|---|" + "--:|" * len(columns), *lines[1:]])


def main() -> int:
    """Kill, and print the table; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="no new run after them")
    parser.add_argument("--jobs", type=int, default=2, help="commands at the same time")
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS), choices=list(COMMANDS))
    given = parser.parse_args()
    # A shell starts a job in the background with SIGINT ignored, and `nohup` one with SIGHUP.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.environ["OMP_NUM_THREADS"] = "1"
    begin_forks()
    found = run(given.commands, given.kills, given.seed, given.jobs, 60 * given.minutes)
    print(table(found))
    for name, one in found.items():
        for remark in one.remarks:
            print(f"{name}: {remark}")
    return 1 if any(one.faults for one in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
