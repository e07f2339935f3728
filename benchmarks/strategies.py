"""Measure the number of trials that each strategy needs to find the optimum of a known landscape.

Nothing is trained: a formula gives the PSNR of each architecture, so that the optimum is known.
Each seed generates another landscape, which stands for another signal, and seeds the samplers. The
PSNR

- increases with the width and saturates, earlier if there are more cells;
- first increases with the depth and then decreases, since deep networks learn less in the same
  number of steps;
- has a best grid;
- includes a ripple of up to 0.8 dB along width and depth, so that it is not monotone;
- includes the noise that remains in a mean over repeats (sd 0.25 dB).

With the constants, doubling the width from 16 gains about eight decibels, the next doubling six,
the one after that four, and a second hidden layer two. PSNR behaves similarly in the searches of
docs/paper.md. The score is the paper's, PSNR - 7 log10(FLOPs), and the budget is its 1 GFLOP: some
optima lie within the budget and some at its edge.

A strategy is stopped as soon as it has trained the best architecture.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import final

from enas_inr.cost import FeasibleSpace
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import TraceStep, TrialResult, best_of
from enas_inr.spec import Configuration
from enas_inr.strategies.base import Strategy
from enas_inr.strategies.coordinate import CoordinateAscent
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import OptunaOptions
from enas_inr.strategies.optuna_sampler import OptunaSearch
from enas_inr.testing.lookup import LookupExecutor, lookup_space, simulate

SPACES: Mapping[str, Mapping[str, Sequence[int]]] = {
    "paper": {"width": (16, 32, 64, 128, 256, 512), "depth": (1, 2, 3, 4, 5)},
    "fine": {"width": range(8, 201, 8), "depth": (1, 2, 3, 4, 5, 6)},
    "grid": {
        "grid": (2, 4, 8, 16),
        "width": (8, 16, 24, 32, 48, 64, 96, 128, 192, 256),
        "depth": (1, 2, 3, 4),
    },
}
MAX_FLOPS = 10**9
USUAL = 20  # number of trials of a typical search
NEEDS = {"cmaes": "cmaes", "gp": "scipy"}
SAMPLERS = ("tpe", "gp", "cmaes", "nsgaii", "random", "brute")
STRATEGIES = ("coordinate", "exhaustive", *SAMPLERS)


def landscape(seed: int) -> Callable[[Configuration], float]:
    """Generate a signal, given by the PSNR (in the paper's convention) of every architecture."""
    draw = random.Random(seed).uniform
    ceiling, pace = draw(40, 75), draw(1.5, 3.5)
    gain, droop = draw(2, 7), draw(0.1, 0.5)
    best_grid, narrow = draw(2, 4), draw(0.5, 2)
    phase, ripple = draw(0, 2 * math.pi), draw(0.2, 0.8)

    def psnr(spec: Configuration) -> float:
        cells = math.log2(spec.grid)
        capacity = math.log2(spec.width / 4) + (cells - 3) / 2
        return (
            ceiling * (1 - math.exp(-capacity / pace))
            + gain * math.log2(1 + spec.depth)
            - droop * spec.depth**2
            - narrow * (cells - best_grid) ** 2
            + ripple * math.sin(2 * math.log2(spec.width) + spec.depth + phase)
            + random.Random(f"{seed} {spec.key()}").gauss(0, 0.25)
        )

    return psnr


@final
class Until(Strategy):
    """Passes on the proposals of a strategy until the goal, one architecture, is trained."""

    def __init__(self, strategy: Strategy, goal: str) -> None:
        self._strategy, self._goal = strategy, goal

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Return the proposals of the strategy, or none if the goal is trained."""
        if any(result.key == self._goal for result in history):
            return []
        return self._strategy.propose(history, pending, n)

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the trace of the strategy."""
        return self._strategy.trace(history)


@dataclass(frozen=True)
class Run:
    """The outcome of one search with one strategy.

    Attributes:
        trials: number of trials up to and including the optimum, or None if it was not found.
        short: difference in score, in dB, between the optimum and the best of the first `USUAL`
            trials.
    """

    trials: int | None
    short: float


def search(
    name: str, space: FeasibleSpace, psnr: Callable[[Configuration], float], batch: int
) -> Run:
    """Search one landscape with one strategy."""
    objective = PsnrFlops()
    oracle = simulate(Exhaustive(space), space, objective, LookupExecutor(psnr))
    goal = best_of(oracle)
    assert goal is not None
    strategy = Until(make(name, space, batch), goal.key)
    keys = [r.key for r in simulate(strategy, space, objective, LookupExecutor(psnr))]
    scores = {r.key: r.score for r in oracle if r.score is not None}
    trials = keys.index(goal.key) + 1 if goal.key in keys else None
    return Run(trials, scores[goal.key] - max(scores[key] for key in keys[:USUAL]))


def make(name: str, space: FeasibleSpace, batch: int) -> Strategy:
    """Create a strategy that continues as long as there are architectures to train."""
    if name == "coordinate":
        return CoordinateAscent(space)
    if name == "exhaustive":
        return Exhaustive(space)
    options = OptunaOptions(sampler=name, trials=len(space.feasible), batch=batch)
    return OptunaSearch(space, options)


def row(name: str, runs: Sequence[Run]) -> str:
    """Return the outcome of a strategy on all landscapes as a row of the table."""
    needed = [run.trials for run in runs if run.trials is not None]
    spread = (
        f"{statistics.fmean(needed):.1f} ({min(needed)} to {max(needed)})" if needed else "never"
    )
    label = name if name not in SAMPLERS else f"optuna, {name}"
    short = statistics.fmean(run.short for run in runs)
    return f"| {label} | {len(needed)} of {len(runs)} | {spread} | {short:.2f} |"


def main() -> None:
    """Print a table for each space."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="landscapes")
    parser.add_argument(
        "--batch", type=int, default=4, help="number of proposals in a batch of a sampler"
    )
    parser.add_argument("--spaces", nargs="+", choices=SPACES, default=list(SPACES))
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    asked = parser.parse_args()
    for name in asked.spaces:
        space = lookup_space(SPACES[name], MAX_FLOPS)
        print(f"\n`{name}`: {len(space.feasible)} feasible architectures.\n")
        print("| strategy | optimum found | trials to the optimum | dB below it after 20 trials |")
        print("|---|---|---|---|")
        for strategy in asked.strategies:
            if strategy in NEEDS and find_spec(NEEDS[strategy]) is None:
                continue
            runs = [
                search(strategy, replace(space, seed=seed), landscape(seed), asked.batch)
                for seed in range(asked.seeds)
            ]
            print(row(strategy, runs), flush=True)


if __name__ == "__main__":
    main()
