"""How many trials each strategy needs to find the best architecture of a made-up landscape.

Nothing is trained: an architecture's PSNR comes from a formula, so the optimum is known. Every seed
draws another landscape, as if each were another signal, and seeds the samplers. Its PSNR

- rises with the width and saturates, the sooner the more cells there are;
- rises with the depth at first, then falls, since deep networks learn less in as many steps;
- has a best grid;
- ripples along width and depth, by up to 0.8 dB, so that it is not monotone;
- carries the noise that a mean over repeats has left (sd 0.25 dB).

The constants are drawn so that a doubling of the width from 16 is worth about eight decibels, the
next six, the next four, and a second hidden layer two; docs/paper.md has searches in which PSNR
behaves much like that. The score is the paper's, PSNR - 7 log10(FLOPs), and the budget its 1 GFLOP:
some optima lie within it and some at its edge.

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
from enas_inr.spec import EnsembleSpec
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
USUAL = 20  # trials of a usual search
NEEDS = {"cmaes": "cmaes", "gp": "scipy"}
SAMPLERS = ("tpe", "gp", "cmaes", "nsgaii", "random", "brute")
STRATEGIES = ("coordinate", "exhaustive", *SAMPLERS)


def landscape(seed: int) -> Callable[[EnsembleSpec], float]:
    """Draw a signal: the paper's PSNR of every architecture."""
    draw = random.Random(seed).uniform
    ceiling, pace = draw(40, 75), draw(1.5, 3.5)
    gain, droop = draw(2, 7), draw(0.1, 0.5)
    best_grid, narrow = draw(2, 4), draw(0.5, 2)
    phase, ripple = draw(0, 2 * math.pi), draw(0.2, 0.8)

    def psnr(spec: EnsembleSpec) -> float:
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
    """Lets a strategy propose until one architecture is trained."""

    def __init__(self, strategy: Strategy, goal: str) -> None:
        self._strategy, self._goal = strategy, goal

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[EnsembleSpec], n: int
    ) -> Sequence[EnsembleSpec]:
        """Nothing once the goal is trained."""
        if any(result.key == self._goal for result in history):
            return []
        return self._strategy.propose(history, pending, n)

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """As the strategy."""
        return self._strategy.trace(history)


@dataclass(frozen=True)
class Run:
    """One search of one strategy.

    Attributes:
        trials: how many it trained until the optimum, that one included; None: it ended before.
        short: decibels of score that the best of its first `USUAL` trials lacks.
    """

    trials: int | None
    short: float


def search(
    name: str, space: FeasibleSpace, psnr: Callable[[EnsembleSpec], float], batch: int
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
    """Make a strategy that goes on as long as there is something to train."""
    if name == "coordinate":
        return CoordinateAscent(space)
    if name == "exhaustive":
        return Exhaustive(space)
    options = OptunaOptions(sampler=name, trials=len(space.feasible), batch=batch)
    return OptunaSearch(space, options)


def row(name: str, runs: Sequence[Run]) -> str:
    """What a strategy did on all landscapes, as a line of a table."""
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
    parser.add_argument("--batch", type=int, default=4, help="asked for at once by samplers")
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
