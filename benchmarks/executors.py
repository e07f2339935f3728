"""Measure the overhead of the executor `ray` in a search of many short trials.

The benchmark runs a real search: `exhaustive` proposes 40 architectures for `sample:photo`, the
engine passes them to the executor, two workers train them, and each result is scored and written to
a study in an SQLite file. The trials are short (about 0.2 s), so that the overhead is visible:
sending trials and results, the engine, the database.

The time of a search is measured from its first proposal to its last stored result. The workers have
been started by an earlier search, which is not measured. The ideal time is the sum of the seconds
that the workers report for their trainings (`TrialResult.seconds`), divided by the number of
workers, as if they never waited. If workers and driver share cores, the driver slows the trainings
down, which increases the ideal; the time that the driver spends on writing is therefore shown, too.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import ray
import torch
from rich.console import Console
from rich.table import Table

from enas_inr.backbones.feasibility import feasible_space
from enas_inr.executors.base import ExecutionContext, Executor
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import Picture, TrialResult
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal
from enas_inr.spec import Axis, Choice, EnsembleSpec, SearchSpace, StudySpec, TrainingSpec
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.store import Store

GRID, SIZE, STEPS = 8, 64, 60
WIDTHS = (8, 10, 12, 14, 16, 18, 20, 22)
DEPTHS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Run:
    """The measurements of one search.

    Attributes:
        seconds: time in seconds from the first proposal to the last stored result.
        writing: seconds of this time in which the driver wrote to the database.
        trained: sum of the seconds of training over all trials.
        trials: number of trials.
        workers: number of workers that trained them.
    """

    seconds: float
    writing: float
    trained: float
    trials: int
    workers: int

    @property
    def ideal(self) -> float:
        """The time in seconds if no worker ever waited."""
        return self.trained / self.workers

    @property
    def ratio(self) -> float:
        """The measured time divided by the ideal time."""
        return self.seconds / self.ideal


class TimedStore(Store):
    """A store that measures the time spent on writing."""

    seconds = 0.0

    def add(
        self,
        result: TrialResult,
        picture: Picture | StoredPicture | None = None,
        whole: TrialResult | None = None,
    ) -> None:
        """Write a trial."""
        started = time.perf_counter()
        super().add(result, picture, whole)
        self.seconds += time.perf_counter() - started


def make_study(signal: Signal, steps: int) -> StudySpec:
    """Return the specification of a study of 40 small architectures."""
    axes = (Axis(name="width", values=WIDTHS), Axis(name="depth", values=DEPTHS))
    return StudySpec(
        signal=signal.info(),
        space=SearchSpace(base=EnsembleSpec(grid=GRID), axes=axes),
        strategy=Choice(name="exhaustive"),
        training=TrainingSpec(steps=steps),
        repeats=1,
    )


def search(spec: StudySpec, executor: Executor, workers: int, catalog: Catalog, file: Path) -> Run:
    """Run a study in a new file.

    Args:
        spec: specification of the study.
        executor: executor that trains the trials; its workers may have been started already.
        workers: number of workers.
        catalog: creates the strategy and the objective.
        file: path of the study's file, which does not exist yet.

    Raises:
        RuntimeError: a trial failed, or diverged.
    """
    space = feasible_space(spec, catalog)
    strategy = catalog.create("strategy", spec.strategy.name, space, options={})
    objective = catalog.create("objective", spec.objective.name, options={})
    with TimedStore(file.stem, spec, str(file)) as store:
        started = time.perf_counter()
        results = run_loop(Gathering(spec, space, objective), strategy, executor, store, Observer())
        seconds = time.perf_counter() - started
    failed = [result for result in results if result.psnr_db is None]
    if failed:
        raise RuntimeError(f"failed trials: {len(failed)}; the first said: {failed[0].message}")
    trained = sum(result.seconds for result in results)
    return Run(seconds, store.seconds, trained, len(results), workers)


def measure(workers: int, rounds: int, steps: int) -> list[Run]:
    """Time several searches on the same workers.

    Args:
        workers: number of workers, with one core each.
        rounds: number of searches that are measured.
        steps: number of steps of each training.

    Raises:
        RuntimeError: a trial failed, or diverged.
    """
    catalog = load_catalog(plugins=False)
    signal = load_signal(catalog, "sample:photo", {"size": [SIZE, SIZE]})
    spec = make_study(signal, steps)
    with ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory()))
        context = ExecutionContext(catalog, signal, "cpu", at_end=at_end)
        executor = catalog.create("executor", "ray", context, options={"workers": workers})
        runs = [
            search(spec, executor, workers, catalog, folder / f"run{number}.db")
            for number in range(rounds + 1)
        ]
    return runs[1:]


def results_table(runs: Sequence[Run]) -> Table:
    """Return a table with one row for each search."""
    table = Table("search")
    for heading in ("trials", "s/trial", "ideal s", "took s", "writing s", "took / ideal"):
        table.add_column(heading, justify="right")
    for number, run in enumerate(runs, 1):
        table.add_row(
            str(number),
            str(run.trials),
            f"{run.trained / run.trials:.3f}",
            f"{run.ideal:.2f}",
            f"{run.seconds:.2f}",
            f"{run.writing:.2f}",
            f"{run.ratio:.2f}",
        )
    return table


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description="Measure the time of searches of short trials through Ray."
    )
    parser.add_argument(
        "--workers", type=int, default=2, help="number of workers with one core each (2)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="number of measured searches (3)")
    parser.add_argument(
        "--steps", type=int, default=STEPS, help=f"steps of each training ({STEPS})"
    )
    args = parser.parse_args(argv)
    if min(args.workers, args.rounds, args.steps) < 1:
        parser.error("--workers, --rounds and --steps must be positive")
    return args


def main() -> None:
    """Measure the searches and print the table."""
    args = parse_args()
    with ExitStack() as at_end:
        ray.init(
            address="local",
            num_cpus=args.workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        at_end.callback(ray.shutdown)
        runs = measure(args.workers, args.rounds, args.steps)
    ratios = [run.ratio for run in runs]
    output = Console(highlight=False, soft_wrap=True)
    output.print(
        f"{os.cpu_count()} cores, {args.workers} workers, ray {ray.__version__}, "
        f"torch {torch.__version__}, load {os.getloadavg()[0]:.1f}"
    )
    output.print(results_table(runs))
    output.print(f"took / ideal: best {min(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
