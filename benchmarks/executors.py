"""What the executor `ray` costs: a search of many short trials against their bare training.

The search is a real one: `exhaustive` proposes 40 architectures for `sample:photo`, the engine
hands them to the executor, two workers train them, and each result is scored and written to a study
in an SQLite file. The trials are so short (about 0.2 s) that all that is not training shows:
handing over a trial and its result, the engine, the database.

What is timed: a search from its first proposal to its last stored result, on workers that are there
already, since a first search, which is not timed, has started them. The ideal is the sum of the
seconds that the workers report for their trainings (`TrialResult.seconds`), divided by the number
of workers: as if they never waited. Where workers and driver share cores, what the driver needs
slows the trainings down and so hides in the ideal; so the time that it spends writing is told too.
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
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.store import Store

GRID, SIZE, STEPS = 8, 64, 60
WIDTHS = (8, 10, 12, 14, 16, 18, 20, 22)
DEPTHS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Run:
    """One search.

    Attributes:
        seconds: from the first proposal to the last stored result.
        writing: seconds of these in which the driver wrote to the database.
        trained: seconds of training, the sum over its trials.
        trials: how many there were.
        workers: that trained them.
    """

    seconds: float
    writing: float
    trained: float
    trials: int
    workers: int

    @property
    def ideal(self) -> float:
        """Seconds, if no worker ever waited."""
        return self.trained / self.workers

    @property
    def ratio(self) -> float:
        """How many times longer it took."""
        return self.seconds / self.ideal


class TimedStore(Store):
    """A store that knows how long it has been writing."""

    seconds = 0.0

    def add(self, result: TrialResult, picture: Picture | StoredPicture | None = None) -> None:
        """Write a trial."""
        started = time.perf_counter()
        super().add(result, picture)
        self.seconds += time.perf_counter() - started


def make_study(signal: Signal, steps: int) -> StudySpec:
    """A study of 40 small architectures."""
    axes = (Axis(name="width", values=WIDTHS), Axis(name="depth", values=DEPTHS))
    return StudySpec(
        signal=signal.info(),
        space=SearchSpace(base=EnsembleSpec(grid=GRID), axes=axes),
        strategy=Choice(name="exhaustive"),
        training=TrainingSpec(steps=steps),
        repeats=1,
    )


def search(spec: StudySpec, executor: Executor, workers: int, catalog: Catalog, file: Path) -> Run:
    """Run a study in a file of its own.

    Args:
        spec: what is searched.
        executor: where it is trained; it may have workers already.
        workers: how many these are.
        catalog: makes strategy and objective.
        file: for the study; there is none yet.

    Raises:
        RuntimeError: a trial failed, or diverged.
    """
    space = feasible_space(spec, catalog)
    strategy = catalog.create("strategy", spec.strategy.name, space, options={})
    objective = catalog.create("objective", spec.objective.name, options={})
    with TimedStore(file.stem, spec, str(file)) as store:
        started = time.perf_counter()
        results = run_loop(spec, space, strategy, objective, executor, store, Observer())
        seconds = time.perf_counter() - started
    failed = [result for result in results if result.psnr_db is None]
    if failed:
        raise RuntimeError(f"{len(failed)} trials failed: {failed[0].message}")
    trained = sum(result.seconds for result in results)
    return Run(seconds, store.seconds, trained, len(results), workers)


def measure(workers: int, rounds: int, steps: int) -> list[Run]:
    """Time several searches on the same workers.

    Args:
        workers: of one core each.
        rounds: how many searches are timed.
        steps: of each training.

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
    """One row a search."""
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
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time searches of short trials through Ray.")
    parser.add_argument("--workers", type=int, default=2, help="of one core each (2)")
    parser.add_argument("--rounds", type=int, default=3, help="searches that are timed (3)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of each training ({STEPS})")
    args = parser.parse_args(argv)
    if min(args.workers, args.rounds, args.steps) < 1:
        parser.error("--workers, --rounds and --steps must be positive")
    return args


def main() -> None:
    """Measure, and print the table."""
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
