"""Samplers of Optuna that keep no memory of their own, asked for one proposal after the other.

    for each proposal
        make an Optuna study in memory with the trials that have ended and those that are RUNNING
        make the sampler, with a seed from that of the study and the numbers of these trials
        ask it until it proposes a configuration that is feasible and new

A proposal is therefore a function of what has ended and what is pending, and profits from every
result at once. The sampler is told at most `MOST_TOLD` trials, the best and the latest, since it
would otherwise need longer and longer for a proposal: of more, TPE takes the same 25 as good.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Sequence
from heapq import nlargest, nsmallest
from operator import itemgetter
from typing import Any

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.result import TraceStep, TrialResult, directions, objective_values, pareto_front
from enas_inr.spec import Configuration
from enas_inr.strategies.base import Growth, Keys, Strategy, compared_in_batches
from enas_inr.strategies.options import OptunaOptions
from enas_inr.strategies.optuna_points import (
    distribution,
    excess,
    nearest,
    parameters,
    searched_axes,
    suggested_point,
)
from enas_inr.strategies.samplers import explained, make_sampler, needs_all_trials

PATIENCE = 2  # proposals in a row that are not new, before the nearest new one is taken
BEST, LATEST = 25, 225
MOST_TOLD = BEST + LATEST
_BUDGET = "budget"  # the constraint: at most 0 within the budget


class AsynchronousSearch(Strategy):
    """Proposes as many configurations as are asked for, whatever is pending.

    Raises:
        SpecError: the sampler cannot be used, see `make_sampler`.
    """

    def __init__(self, space: FeasibleSpace, options: OptunaOptions) -> None:
        self._space, self._options = space, options
        self._axes = {axis.name: distribution(axis) for axis in searched_axes(space)}
        self._keys, self._best = Keys(), _Best(space.objectives)
        self._trials: dict[int, tuple[TrialResult, FrozenTrial]] = {}  # by `id`; saves time only
        self._sampler(0, 0)  # an error is to be raised before anything is trained

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Ask the sampler for up to `n` proposals, each of which is pending for the next."""
        seen = {*self._keys.of(history, pending)}
        room = max(0, min(n, self._options.trials - len(seen)))
        running = [self._trial(spec, TrialState.RUNNING) for spec in pending]
        found: list[Configuration] = []
        with explained(self._options.sampler):
            ended = self._ended(history) if room else []
            for _ in range(room):
                sampler = self._sampler(len(history), len(running))
                candidate = self._ask(sampler, [*ended, *running], seen)
                if candidate is None:
                    break
                seen.add(candidate.key)
                running.append(self._trial(candidate.spec, TrialState.RUNNING))
                found.append(candidate.spec)
        return found

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return a step for each trial; a choice is a trial that was better than all before it."""
        return compared_in_batches(([result.key] for result in history), history)

    def _sampler(self, ended: int, pending: int) -> optuna.samplers.BaseSampler:
        options = self._options.sampler_options
        text = f"optuna {options.get('seed', self._space.seed)} {ended} {pending}"
        return make_sampler(
            self._options.sampler,
            {**options, "seed": zlib.crc32(text.encode())},
            seed=self._space.seed,
            several=len(self._space.objectives) > 1,
        )

    def _ask(
        self,
        sampler: optuna.samplers.BaseSampler,
        known: Iterable[FrozenTrial],
        seen: Collection[str],
    ) -> Candidate | None:
        """Ask until a proposal is new, or else take the nearest new one; None if none is left."""
        storage, aims = InMemoryStorage(), directions(self._space.objectives)
        study = optuna.create_study(storage=storage, sampler=sampler, directions=aims)
        number = storage.get_study_id_from_name(study.study_name)
        for trial in known:
            storage.create_new_trial(number, trial)
        for _ in range(PATIENCE):
            asked = study.ask()
            point = suggested_point(self._space, asked)
            candidate = self._space.at(point)
            asked.set_constraint(_BUDGET, 0 if candidate else excess(self._space, point))
            if candidate is None:
                # Not `study.tell`, after which the sampler `brute` may want to stop the study.
                trial_id = storage.get_trial_id_from_study_id_trial_number(number, asked.number)
                storage.set_trial_state_values(trial_id, TrialState.PRUNED)  # FAIL is ignored
            elif candidate.key not in seen:
                return candidate  # one that was seen stays RUNNING, so that others are proposed
        return nearest(self._space, point, [key not in seen for key in self._space.keys])

    def _ended(self, history: Sequence[TrialResult]) -> list[FrozenTrial]:
        """Return what the sampler is told, in the order of the history."""
        kept = {id(result): self._told(result) for result in self._chosen(history)}
        self._trials = kept
        return [trial for _, trial in kept.values()]

    def _chosen(self, history: Sequence[TrialResult]) -> Sequence[TrialResult]:
        if len(history) <= MOST_TOLD or needs_all_trials(self._options.sampler):
            return history
        return [*self._best.of(history[:-LATEST]), *history[-LATEST:]]

    def _told(self, result: TrialResult) -> tuple[TrialResult, FrozenTrial]:
        known = self._trials.get(id(result))
        if known:
            return known
        values = objective_values(result, self._space.objectives)
        state = TrialState.PRUNED if values is None else TrialState.COMPLETE
        return result, self._trial(result.trial.configuration, state, values)

    def _trial(
        self, spec: Configuration, state: TrialState, values: Sequence[float] | None = None
    ) -> FrozenTrial:
        found = self._space.find(spec)
        point = (found and found.point) or self._space.space.point(spec)
        given = parameters(self._space, point)
        made = _Told(
            number=-1,  # the storage gives it one
            trial_id=-1,
            state=state,
            value=None,
            values=values,
            datetime_start=None,
            datetime_complete=None,
            params=given,
            distributions={name: self._axes[name] for name in given},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
        )
        made.set_constraint(_BUDGET, 0)
        return made


class _Best:
    """The best by their objective, or some of the Pareto front of several.

    Those of a longer history are found among those of the shorter one and what is new.
    """

    def __init__(self, objectives: Sequence[str]) -> None:
        self._objectives, self._growth = objectives, Growth()
        self._kept: list[tuple[int, TrialResult]] = []  # with their places in the history

    def of(self, history: Sequence[TrialResult]) -> list[TrialResult]:
        """Return at most `BEST` trials in the order of the history."""
        known, new = self._growth.of(history)
        self._kept = [*(self._kept if known else []), *enumerate(new, known)]
        if len(self._objectives) > 1:
            places = {id(result): place for place, result in self._kept}
            front = pareto_front([result for _, result in self._kept], self._objectives)
            self._kept = [(places[id(result)], result) for result in front]
        else:
            scored = [one for one in self._kept if objective_values(one[1], self._objectives)]
            pick = nlargest if directions(self._objectives) == ["maximize"] else nsmallest
            self._kept = pick(BEST, scored, key=lambda one: self._value(one[1]))
        return [result for _, result in sorted(self._kept[:BEST], key=itemgetter(0))]

    def _value(self, result: TrialResult) -> float:
        values = objective_values(result, self._objectives)
        assert values
        return values[0]


class _Told(FrozenTrial):
    """A trial that a storage copies quickly: what it holds is not changed."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Told:
        copied = _Told.__new__(_Told)
        copied.__dict__.update(self.__dict__)
        return copied
