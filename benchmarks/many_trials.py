"""Measure searches of thousands of trials: the strategies, the engine, the store and the report.

Nothing is trained: a table gives the PSNR of each of 3,552 architectures. The results are as large
as real ones, with five repeats and learning curves of 22 steps, and are written to a new SQLite
file. One trial is asked for after the other, as if a single worker trained them.

For each strategy, the benchmark measures the trials per second over the first and the last 500
trials, by the CPU time of the process and by the clock; how much memory the process gained from
before the first trial to the most; how long another process takes to open the study and to make one
more trial; and the time and the peak of the memory of `enas-inr report`. By the clock, a trial also
waits until its commit is on the disk, and for the other programs of the machine: `--folder
/dev/shm` leaves out the disk.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, final

from pages import filled, markdown
from pydantic import JsonValue

from enas_inr.backbones.feasibility import feasible_space
from enas_inr.executors.base import Executor, Supply
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import Curve, RepeatResult, TraceStep, TrialResult, TrialStatus
from enas_inr.spec import (
    Axis,
    Budget,
    Choice,
    Configuration,
    EnsembleSpec,
    Limit,
    SearchSpace,
    StudySpec,
    TrialSpec,
)
from enas_inr.strategies.base import Strategy
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.studies.store import Store
from enas_inr.testing.lookup import PICTURE, Table, toy_table

NAME = "many"
GRIDS = tuple(range(1, 25))
DEPTHS = (1, 2, 3, 4)
WIDTHS = tuple(range(4, 149, 4))
STRATEGIES: dict[str, tuple[str, dict[str, JsonValue]]] = {
    "exhaustive": ("exhaustive", {}),
    "tpe": ("optuna", {"sampler": "tpe"}),
    "nsgaii": ("optuna", {"sampler": "nsgaii"}),
    "evolution": ("evolution", {}),
}
"""The strategies with their options, besides the number of trials."""
MEASURED = ["exhaustive", "tpe", "evolution"]  # NSGA-II takes much longer
CURVE = tuple(range(1, 2101, 100))  # and the last step
REPEATS = 5
WINDOW = 500  # trials at the beginning and at the end
VERSIONS = {"enas-inr": "0.1.0", "torch": "2.13.0", "numpy": "2.4.0", "optuna": "5.0.0"}


class TableExecutor(Executor):
    """Returns results as large as real ones, whose PSNRs are those of a table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Yield a result for each trial, one after the other."""
        while taken := trials.take(1):
            yield from map(self._result, taken)

    def _result(self, trial: TrialSpec) -> TrialResult:
        psnr = self._table(trial.configuration)
        draw = random.Random(trial.configuration.key())
        values = [psnr + draw.gauss(0, 0.1) for _ in range(trial.repeats)]
        steps = (*CURVE, 2137)
        return TrialResult(
            trial=trial,
            status=TrialStatus.COMPLETE,
            repeats=tuple(
                RepeatResult(
                    status=TrialStatus.COMPLETE, steps=2137, psnr_paper_db=value, best_step=2100
                )
                for value in values
            ),
            curve=Curve(
                steps=steps,
                psnr_paper_db=tuple(
                    tuple(value - 10 / step**0.5 + draw.gauss(0, 0.1) for step in steps)
                    for value in values
                ),
            ),
            learning_rate=draw.uniform(1e-4, 1e-2),
            seconds=draw.uniform(1, 9),
            device="cpu",
            versions=VERSIONS,
        )


@dataclass
class Clock(Observer):
    """Notes when each trial was stored, of the process and by the clock, and the memory."""

    times: list[tuple[float, float]] = field(default_factory=list)
    before: float = 0.0
    most: float = 0.0

    def start(self) -> None:
        """Note the time and the memory before the first trial."""
        self.before = memory_mb()
        self._note()

    def _note(self) -> None:
        self.most = max(self.most, memory_mb())
        self.times.append((time.process_time(), time.perf_counter()))

    def finished(self, result: TrialResult) -> None:
        """Note the time and the memory."""
        self._note()

    def rates(self, first: int, last: int) -> tuple[float, float]:
        """Return the trials per second between two of them, of CPU time and by the clock."""
        (a, b), (c, d) = self.times[first], self.times[last]
        return (last - first) / (c - a), (last - first) / (d - b)


def make_spec(strategy: str, trials: int) -> StudySpec:
    """Return a study of 3,552 architectures within the budget."""
    chosen, options = STRATEGIES[strategy]
    options = options if strategy == "exhaustive" else options | {"trials": trials}
    return StudySpec(
        signal=PICTURE,
        space=SearchSpace(
            base=EnsembleSpec(),
            axes=(
                Axis(name="grid", values=GRIDS),
                Axis(name="depth", values=DEPTHS),
                Axis(name="width", values=WIDTHS),
            ),
        ),
        strategy=Choice(name=chosen, options=options),
        budget=Budget(flops=Limit(value=10**15)),
        repeats=REPEATS,
    )


@final
class Limited(Strategy):
    """Asks a strategy for a few proposals at a time, and for a number of trials in all."""

    def __init__(self, strategy: Strategy, trials: int, at_once: int) -> None:
        self._strategy, self._trials, self._at_once = strategy, trials, at_once

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Return the proposals of the strategy."""
        room = min(n, self._at_once, self._trials - len(history))
        return self._strategy.propose(history, pending, room) if room > 0 else []

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the trace of the strategy."""
        return self._strategy.trace(history)


def search(spec: StudySpec, trials: int, at_once: int, file: Path, catalog: Catalog) -> Clock:
    """Search in a file until it has a number of trials."""
    space = feasible_space(spec, catalog)
    chosen = spec.strategy
    strategy = Limited(
        catalog.create("strategy", chosen.name, space, options=chosen.options), trials, at_once
    )
    objective = catalog.create("objective", spec.objective.name, options={})
    clock, executor = Clock(), TableExecutor(toy_table(space))
    with Store(NAME, spec, str(file)) as store:
        store.keep_space(space)
        clock.start()
        run_loop(Gathering(spec, space, objective), strategy, executor, store, clock)
    return clock


def memory_mb() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@dataclass(frozen=True)
class Spent:
    """What a process has used: seconds of CPU time and by the clock, and megabytes at its peak."""

    cpu: float
    clock: float
    peak: float


@dataclass(frozen=True)
class Searched:
    """The figures of one search.

    Attributes:
        rates: trials per second in all, of the first and of the last trials; each of CPU time and
            by the clock.
        gained: megabytes that the process gained from before the first trial to the most.
        file: megabytes of the file.
    """

    rates: tuple[tuple[float, float], ...]
    gained: float
    file: float


def searched(name: str, trials: int, at_once: int, file: Path, profile: bool) -> Searched:
    """Measure a search, in a process of its own."""
    with profiled() if profile else nullcontext():
        clock = search(make_spec(name, trials + 1), trials, at_once, file, load_catalog())
    window = min(WINDOW, trials // 2)
    spans = ((0, trials), (0, window), (trials - window, trials))
    rates = tuple(clock.rates(*span) for span in spans)
    return Searched(rates, clock.most - clock.before, file.stat().st_size / 1e6)


def resumed(name: str, trials: int, at_once: int, file: Path) -> float:
    """Open a study and make one more trial, in a process of its own; return its CPU seconds."""
    search(make_spec(name, trials + 1), trials + 1, at_once, file, load_catalog())
    return time.process_time()  # with what it took to start


def report(file: Path, form: str) -> Spent:
    """Return what `enas-inr report` uses."""
    output = file.with_suffix(f".{form}")
    command = ["report", NAME, "--storage", str(file), "-o", str(output)]
    # Not `ru_maxrss`, which a process inherits from the one that has started it.
    script = (
        "import re, sys, time; from enas_inr.cli.main import run; "
        f"code = run({command!r}); status = open('/proc/self/status').read(); "
        "peak = int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) * 1.024e-3; "
        "print(time.process_time(), peak); sys.exit(code)"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    clock = time.perf_counter() - started
    cpu, peak = map(float, done.stdout.splitlines()[-1].split())
    return Spent(cpu, clock, peak)


def measure(name: str, trials: int, at_once: int, file: Path, profile: bool) -> list[str]:
    """Measure one strategy, print the figures, and return them as a row of the table."""
    found = alone(searched, name, trials, at_once, file, profile)
    started = time.perf_counter()
    cpu = alone(resumed, name, trials, at_once, file)
    again = time.perf_counter() - started
    every, first, last = found.rates
    print(f"{name}: {trials} trials, asked for {at_once} at a time")
    for label, rates in (("all", every), ("first", first), ("last", last)):
        print(f"  {label}: {rates[0]:.1f} trials/s of CPU time, {rates[1]:.1f} by the clock")
    print(f"  memory gained {found.gained:.0f} MB, file {found.file:.1f} MB")
    print(f"  another process until one more trial: {cpu:.1f} s of CPU, {again:.1f} s by the clock")
    reports = [report(file, form) for form in ("html", "csv")]
    for form, spent in zip(("html", "csv"), reports, strict=True):
        print(
            f"  report as {form}: {spent.cpu:.1f} s of CPU, {spent.clock:.1f} s by the clock, "
            f"{spent.peak:.0f} MB",
            flush=True,
        )
    page = reports[0]
    return [
        f"`{name}`", *(f"{rates[0]:.0f} ({rates[1]:.0f})" for rates in (first, last)),
        f"{first[0] / last[0]:.2f}", f"{found.gained:.0f} MB", f"{cpu:.1f} s ({again:.1f} s)",
        f"{page.cpu:.1f} s ({page.clock:.1f} s)", f"{page.peak:.0f} MB",
    ]  # fmt: skip


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, so that it begins without memory of another one."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main() -> None:
    """Measure the strategies one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=3000, help="trials of each strategy")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=MEASURED)
    parser.add_argument("--at-once", type=int, default=1, help="proposals to ask for at once")
    parser.add_argument("--folder", type=Path, help="where to write the files for the time being")
    parser.add_argument("--profile", action="store_true", help="print a profile of each search")
    parser.add_argument("--page", type=Path, help="a page with a place for the table")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        rows = [
            measure(
                name,
                arguments.trials,
                arguments.at_once,
                Path(folder) / f"{name}.db",
                arguments.profile,
            )
            for name in arguments.strategies
        ]
    window = min(WINDOW, arguments.trials // 2)
    headings = [
        "strategy", f"first {window}: trials/s", f"last {window}: trials/s", "last / first",
        "memory gained", "one more trial", "report", "its peak",
    ]  # fmt: skip
    shown = markdown(headings, rows)
    print(shown)
    if arguments.page:
        arguments.page.write_text(filled(arguments.page.read_text(), {"many-trials": shown}))


@contextmanager
def profiled() -> Iterator[None]:
    """Print the functions in which most CPU time was spent."""
    with cProfile.Profile(time.process_time) as profile:
        yield
    pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
