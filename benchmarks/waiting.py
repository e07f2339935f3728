"""Measure how long workers wait for a strategy, in virtual time.

Nothing is trained: the duration of each trial is drawn from a log-normal distribution, and a table
gives its PSNR. A worker takes a trial whenever it is free, as in every search; the barrier, for
comparison, lets all workers wait until the last trial of a batch has ended. The share of idle time
counts from the first trial to the last one, so it includes the end of the search, where there is
not enough left to do for all workers.

`exhaustive`, `optuna` and `race` search 208 configurations. `coordinate` searches five axes of six
values each, which depend on each other, so that it needs many line searches; its trials include
those that it trained ahead and did not need. Each seed draws another table and other durations.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import final

from pages import filled, markdown

from enas_inr.cost import FeasibleSpace
from enas_inr.executors.base import Executor, Supply, given
from enas_inr.objectives.options import PsnrFlopsOptions
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import TrialResult
from enas_inr.spec import Configuration
from enas_inr.spec.axis import Scalar
from enas_inr.strategies.base import Strategy
from enas_inr.strategies.coordinate import CoordinateAscent
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import CoordinateOptions, OptunaOptions
from enas_inr.strategies.optuna_sampler import OptunaSearch
from enas_inr.strategies.race import Race
from enas_inr.testing.lookup import lookup_space, simulate, toy_table
from enas_inr.testing.simulated import SimulatedExecutor, lognormal_seconds

WORKERS, SIGMA, SEEDS = 16, 1.0, 40
SIZES: Mapping[str, Sequence[Scalar]] = {"width": range(8, 209, 8), "depth": range(1, 9)}
MANY: Mapping[str, Sequence[Scalar]] = {
    "grid": (2, 4, 8, 16, 32, 64),
    "width": (8, 16, 24, 32, 48, 64),
    "depth": (1, 2, 3, 4, 5, 6),
    "siren.omega_first": (10.0, 20.0, 30.0, 45.0, 60.0, 90.0),
    "learning_rate": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}
AXES = {"exhaustive": SIZES, "optuna": SIZES, "race": SIZES, "coordinate": MANY}
NO_LIMIT = 10**15


@dataclass(frozen=True)
class Run:
    """The outcome of one search in virtual time.

    Attributes:
        trials: number of trials.
        seconds: virtual seconds from the first trial to the last.
        idle: share of the workers' time in which they waited.
    """

    trials: int
    seconds: float
    idle: float


@final
class Barrier(Executor):
    """Waits until all trials of a batch have ended before it takes others."""

    def __init__(self, inner: SimulatedExecutor, batch: int) -> None:
        self._inner, self._batch = inner, batch

    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Yield results in the order in which the trials of each batch end."""
        while taken := trials.take(1, self._batch):
            yield from self._inner.run(given(taken))


@cache
def space_of(name: str) -> FeasibleSpace:
    """Return the space that a strategy searches."""
    return lookup_space(AXES[name], NO_LIMIT)


def make(name: str, space: FeasibleSpace) -> Strategy:
    """Create a strategy."""
    match name:
        case "coordinate":
            start = {axis.name: axis.points[0] for axis in space.space.axes}
            return CoordinateAscent(space, CoordinateOptions(start=start))
        case "race":
            return Race(space)
        case "optuna":
            options = OptunaOptions(trials=len(space.feasible))
            return OptunaSearch(space, options)
    return Exhaustive(space)


def ridge(space: FeasibleSpace, seed: int) -> Callable[[Configuration], float]:
    """Return PSNRs that increase with all axes together, and decrease where one is ahead."""
    axes = space.space.axes
    draw = random.Random(seed)
    slopes = [draw.uniform(1, 2) for _ in axes]

    def psnr(spec: Configuration) -> float:
        places = [axis.points.index(spec.value(axis.name)) for axis in axes]
        gains = sum(slope * place for slope, place in zip(slopes, places, strict=True))
        return 20 + gains - 0.4 * sum((a - b) ** 2 for a, b in combinations(places, 2))

    return psnr


def search(name: str, seed: int, workers: int = WORKERS, *, barrier: bool = False) -> Run:
    """Run one search."""
    space = replace(space_of(name), seed=seed)
    table = ridge(space, seed) if name == "coordinate" else toy_table(space, seed)
    executor = SimulatedExecutor(table, workers, lognormal_seconds(SIGMA, seed))
    runner = Barrier(executor, workers) if barrier else executor
    history = simulate(make(name, space), space, PsnrFlops(PsnrFlopsOptions(alpha=0)), runner)
    return Run(len(history), executor.clock, executor.idle)


def table(names: Sequence[str], seeds: int, workers: int) -> str:
    """Return a row for each strategy: means over the seeds."""
    rows = []
    for name in names:
        free, held = (
            [search(name, seed, workers, barrier=barrier) for seed in range(seeds)]
            for barrier in (False, True)
        )
        mean = statistics.fmean
        rows.append(
            [
                f"`{name}`",
                *(f"{mean(run.trials for run in runs):.0f}" for runs in (held, free)),
                *(f"{mean(run.idle for run in runs):.0%}" for runs in (held, free)),
                f"{mean(h.seconds / f.seconds for h, f in zip(held, free, strict=True)):.1f}",
            ]
        )
    headings = (
        "strategy",
        "trials with a barrier",
        "trials",
        "idle with a barrier",
        "idle",
        "times faster",
    )
    return markdown(headings, rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Simulate, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--strategies", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--page", type=Path, help="a page with a place for the table")
    args = parser.parse_args(argv)
    shown = table(args.strategies, args.seeds, args.workers)
    print(shown)
    if args.page:
        args.page.write_text(filled(args.page.read_text(), {"waiting": shown}))


if __name__ == "__main__":
    main()
