"""The loop of Ray Tune: many trials at a time, with weak ones stopped early by a scheduler.

Tune decides which of the trials in training continue, by their score at the same step. Which
architectures are tried is decided as in every search, without repetitions.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import final

from enas_inr.cost import FeasibleSpace
from enas_inr.errors import SpecError
from enas_inr.executors.options import RayTuneOptions
from enas_inr.executors.ray.cluster import import_ray
from enas_inr.executors.ray.executor import RayExecutor
from enas_inr.executors.self_running import Loop, SelfRunning
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import Configuration
from enas_inr.strategies.base import Keys, one_comparison, unseen
from enas_inr.strategies.options import OptunaOptions
from enas_inr.strategies.optuna_sampler import OptunaSearch


@final
class RayTune(SelfRunning):
    """`tune.Tuner` with ASHA, or another of Tune's schedulers.

    Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020 (ASHA).
    """

    def __init__(self, space: FeasibleSpace, options: RayTuneOptions = RayTuneOptions()) -> None:
        import_ray()
        axes = {axis.name: axis for axis in space.space.axes}
        if options.scheduler == "pbt" and "learning_rate" in axes:
            raise SpecError(
                "scheduler 'pbt' changes the learning rates itself",
                "drop the axis learning_rate, or choose another --scheduler",
            )
        self._options, self._keys = options, Keys()
        self._most_steps = max(map(int, axes["steps"].points)) if "steps" in axes else None
        self._candidates = list(space.feasible)
        random.Random(space.seed).shuffle(self._candidates)
        learning = OptunaOptions(trials=options.trials)
        self._sampler = OptunaSearch(space, learning) if options.searcher == "optuna" else None

    def run(self, loop: Loop) -> None:
        """Run Tune; see `tuner.py`.

        Raises:
            SpecError: the executor is not `ray`.
        """
        if not isinstance(loop.executor, RayExecutor):
            raise SpecError("strategy 'ray' trains on a Ray cluster", "use --executor ray")
        from enas_inr.executors.ray.tuner import tune_trials

        tune_trials(self, self._options, loop, loop.executor, self._most_steps)

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Propose architectures in random order or by TPE, until there are enough trials."""
        if self._sampler:
            return self._sampler.propose(history, pending, n)
        left = self._options.trials - len(history) - len(pending)
        return unseen(self._candidates, history, pending, max(0, min(n, left)), self._keys)

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return one comparison of all trials."""
        return one_comparison(history)
