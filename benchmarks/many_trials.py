"""Measure searches of thousands of trials: the strategies, the engine, the store and the report.

Nothing is trained: a table gives the PSNR of each of 3,552 architectures. The results are as large
as real ones, with five repeats and learning curves of 22 steps, and are written to a new SQLite
file. One trial is asked for after the other, as if a single worker trained them.

For each strategy, the benchmark prints the trials per second over the first and the last 500 trials
(by the clock, and by the CPU time of the process), how much memory the process gained, how long it
takes to open the study again and to make one more trial, and the time and the peak of the memory of
`enas-inr report`, which runs in a process of its own.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

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
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.studies.store import Store
from enas_inr.testing.lookup import PICTURE, Table, toy_table

NAME = "many"
GRIDS = tuple(range(1, 25))
DEPTHS = (1, 2, 3, 4)
WIDTHS = tuple(range(4, 149, 4))
STRATEGIES = ("exhaustive", "optuna", "evolution")
CURVE = tuple(range(1, 2101, 100))  # and the last step
REPEATS = 5
WINDOW = 500  # trials at the beginning and at the end
HEADINGS = (
    "strategy",
    "trials",
    "trials a second",
    "of CPU time",
    f"last {WINDOW} / first {WINDOW}",
    "of CPU time",
    "memory gained",
    "resumed in",
    "report (HTML)",
    "report (CSV)",
)
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
    """Notes the time at which each trial was stored, by the clock and of the process."""

    times: list[tuple[float, float]] = field(default_factory=list)

    def start(self) -> None:
        """Note the time before the first trial."""
        self.times.append((time.perf_counter(), time.process_time()))

    def finished(self, result: TrialResult) -> None:
        """Note the time."""
        self.start()

    def rates(self, first: int, last: int) -> tuple[float, float]:
        """Return the trials per second between two of them, by the clock and of the process."""
        (a, b), (c, d) = self.times[first], self.times[last]
        return (last - first) / (c - a), (last - first) / (d - b)


def make_spec(strategy: str, trials: int) -> StudySpec:
    """Return a study of 3,552 architectures within the budget."""
    options: dict[str, JsonValue] = {} if strategy == "exhaustive" else {"trials": trials}
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
        strategy=Choice(name=strategy, options=options),
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
        clock.start()
        run_loop(spec, space, strategy, objective, executor, store, clock)
    return clock


def memory_mb() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def report(file: Path, form: str) -> tuple[float, float, float]:
    """Return seconds, CPU seconds and the peak of the memory in MB of `enas-inr report`."""
    output = file.with_suffix(f".{form}")
    command = ["report", NAME, "--storage", str(file), "-o", str(output)]
    script = (
        "import resource, sys, time; from enas_inr.cli.main import run; "
        f"code = run({command!r}); use = resource.getrusage(resource.RUSAGE_SELF); "
        "print(use.ru_utime + use.ru_stime, use.ru_maxrss / 1e3); sys.exit(code)"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - started
    cpu, peak = map(float, done.stdout.splitlines()[-1].split())
    return seconds, cpu, peak


def measure(name: str, trials: int, at_once: int, file: Path, catalog: Catalog) -> list[str]:
    """Measure one strategy, print the figures, and return the beginning of its row."""
    spec = make_spec(name, trials + 1)
    before = memory_mb()
    clock = search(spec, trials, at_once, file, catalog)
    gained = memory_mb() - before
    window = min(WINDOW, trials // 2)
    first, last = clock.rates(0, window), clock.rates(trials - window, trials)
    every = clock.rates(0, trials)
    again = search(spec, trials + 1, at_once, file, catalog).times
    print(f"{name}: {trials} trials, asked for {at_once} at a time")
    for label, rates in (("all", every), (f"first {window}", first), (f"last {window}", last)):
        print(f"  {label}: {rates[0]:.1f} trials/s by the clock, {rates[1]:.1f} of CPU time")
    print(f"  last / first: {first[0] / last[0]:.2f} by the clock, {first[1] / last[1]:.2f} of CPU")
    print(f"  memory gained {gained:.0f} MB, file {file.stat().st_size / 1e6:.1f} MB")
    clock_s, cpu_s = (again[-1][i] - again[0][i] for i in (0, 1))
    print(f"  resumed until one more trial: {clock_s:.1f} s, {cpu_s:.1f} s of CPU")
    figures = (every[0], every[1], first[0] / last[0], first[1] / last[1])
    shown = (f"{value:.{digits}f}" for value, digits in zip(figures, (0, 0, 2, 2), strict=True))
    return [f"`{name}`", str(trials), *shown, f"{gained:.0f} MB", f"{clock_s:.1f} s"]


def main() -> None:
    """Measure the strategies one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=3000, help="trials of each strategy")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--at-once", type=int, default=1, help="proposals to ask for at once")
    parser.add_argument("--page", type=Path, help="page whose table `many-trials` is written")
    parser.add_argument("--profile", action="store_true", help="print a profile of each search")
    arguments = parser.parse_args()
    catalog, rows = load_catalog(), []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.strategies:
            file = Path(folder) / f"{name}.db"
            with profiled() if arguments.profile else nullcontext():
                row = measure(name, arguments.trials, arguments.at_once, file, catalog)
            for form in ("html", "csv"):
                seconds, cpu, peak = report(file, form)
                print(f"  report as {form}: {seconds:.1f} s, {cpu:.1f} s of CPU, {peak:.0f} MB")
                row += [f"{seconds:.0f} s, {peak:.0f} MB"]
            rows.append(row)
    if arguments.page:
        made = {"many-trials": markdown(HEADINGS, rows)}
        arguments.page.write_text(filled(arguments.page.read_text(), made))


@contextmanager
def profiled() -> Iterator[None]:
    """Print the functions in which most CPU time was spent."""
    with cProfile.Profile(time.process_time) as profile:
        yield
    pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
