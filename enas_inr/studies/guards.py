"""Strategies, objectives and executors of plugins, so that what goes wrong in them names them.

What they raise becomes a PluginError (see `Catalog.blame`), and so does what they return that
cannot be used. Our own need no guard: what they raise is a bug of ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import final

from enas_inr.cost import FeasibleSpace
from enas_inr.errors import ContractError
from enas_inr.executors.base import ExecutionContext, Executor
from enas_inr.executors.self_running import Loop, SelfRunning
from enas_inr.objectives.base import Objective
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import Choice, EnsembleSpec, StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy


def make_strategy(catalog: Catalog, choice: Choice, space: FeasibleSpace) -> Strategy:
    """Make a strategy for a search space; raises as `Catalog.create`."""
    made: Strategy = catalog.create("strategy", choice.name, space, options=choice.options)
    if catalog.find("strategy", choice.name).origin.is_ours:
        return made
    if isinstance(made, SelfRunning):
        return _SelfRunning(made, catalog, choice.name, space)
    return _Strategy(made, catalog, choice.name, space)


def make_objective(catalog: Catalog, spec: StudySpec) -> Objective:
    """Make a study's objective, its options settled for the signal (and the base's grid).

    Raises as `Catalog.create`.
    """
    chosen = spec.objective
    options = catalog.options("objective", chosen.name, chosen.options)
    with catalog.blame("objective", chosen.name):
        settled = options.resolve(spec.signal, spec.space.base.grid).model_dump() if options else {}
    made: Objective = catalog.create("objective", chosen.name, options=settled)
    ours = catalog.find("objective", chosen.name).origin.is_ours
    return made if ours else _Objective(made, catalog, chosen.name)


def make_executor(catalog: Catalog, choice: Choice, context: ExecutionContext) -> Executor:
    """Make an executor; raises as `Catalog.create`."""
    made: Executor = catalog.create("executor", choice.name, context, options=choice.options)
    ours = catalog.find("executor", choice.name).origin.is_ours
    return made if ours else _Executor(made, catalog, choice.name)


class _Strategy(Strategy):
    def __init__(self, made: Strategy, catalog: Catalog, name: str, space: FeasibleSpace) -> None:
        self._made, self._catalog, self._name = made, catalog, name
        self._feasible = {candidate.spec.key() for candidate in space.feasible}

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[EnsembleSpec], n: int
    ) -> Sequence[EnsembleSpec]:
        """The plugin's proposals, each of them feasible and new."""
        with self._catalog.blame("strategy", self._name):
            proposed = tuple(self._made.propose(history, pending, n))
            if len(proposed) > n:
                raise ContractError(f"it proposed {len(proposed)} architectures, asked for {n}")
            known = {result.key for result in history} | {spec.key() for spec in pending}
            for spec in proposed:
                if not isinstance(spec, EnsembleSpec):
                    raise ContractError(f"it proposed {spec!r}, which is no EnsembleSpec")
                if spec.key() not in self._feasible:
                    raise ContractError(f"it proposed {spec.label()}, which is not in the space")
                if spec.key() in known:
                    raise ContractError(f"it proposed {spec.label()} a second time")
                known.add(spec.key())
        return proposed

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """The plugin's, steps about trials of the history."""
        with self._catalog.blame("strategy", self._name):
            steps = tuple(self._made.trace(history))
            for step in steps:
                if not isinstance(step, TraceStep):
                    raise ContractError(f"its trace holds {step!r}, which is no TraceStep")
            return steps


@final
class _SelfRunning(_Strategy, SelfRunning):
    _made: SelfRunning

    def run(self, loop: Loop) -> None:
        """The plugin's."""
        with self._catalog.blame("strategy", self._name):
            self._made.run(loop)


@final
class _Objective(Objective):
    def __init__(self, made: Objective, catalog: Catalog, name: str) -> None:
        self._made, self._catalog, self._name = made, catalog, name

    def score(self, result: TrialResult) -> float:
        """The plugin's score, a finite number."""
        with self._catalog.blame("objective", self._name):
            score = float(self._made.score(result))
            if not math.isfinite(score):
                raise ContractError(f"it scored {result.trial.ensemble.label()} as {score}")
            return score


@final
class _Executor(Executor):
    def __init__(self, made: Executor, catalog: Catalog, name: str) -> None:
        self._made, self._catalog, self._name = made, catalog, name

    def run(self, trials: Sequence[TrialSpec]) -> Iterator[TrialResult]:
        """The plugin's results, one for each trial."""
        with self._catalog.blame("executor", self._name):
            waiting = {trial.ensemble.key() for trial in trials}
            for result in self._made.run(trials):
                if not isinstance(result, TrialResult):
                    raise ContractError(f"it yielded {result!r}, which is no TrialResult")
                if result.key not in waiting:
                    raise ContractError(
                        f"it yielded {result.trial.ensemble.label()}, which it was not asked for "
                        "or had yielded before"
                    )
                waiting.remove(result.key)
                yield result
            if waiting:
                raise ContractError(f"it returned no result for {len(waiting)} of the trials")
