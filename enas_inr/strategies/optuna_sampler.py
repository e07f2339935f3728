"""The samplers of Optuna as pure functions of the study, in batches or asynchronous.

In batches:

    make an Optuna study in memory, with a seeded sampler
    repeat
        ask the sampler for a batch of configurations that are feasible and new
        tell it their values, in the order in which it proposed them
    until enough configurations are trained, or all feasible ones

What the sampler is told depends only on the previous batches, not on when a trial ended. The search
is therefore the same on one device, on a cluster and after an interruption. A point that exceeds
the budget is reported to the sampler as pruned, with its distance to the budget as a constraint; a
point that was trained before is reported with its value again. If the sampler proposes nothing new
for a while (Optuna's samplers do not remember points, and few are left near the end), the nearest
new configuration is taken instead.

Asynchronous samplers are in `optuna_asynchronous.py`.

Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, KDD 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from enas_inr.cost import FeasibleSpace
from enas_inr.result import TraceStep, TrialResult, directions, objective_values
from enas_inr.spec import Configuration
from enas_inr.spec.space import Point
from enas_inr.strategies.base import Growth, Keys, Strategy, compared_in_batches
from enas_inr.strategies.options import OptunaOptions
from enas_inr.strategies.optuna_points import excess, nearest, parameters, suggested_point
from enas_inr.strategies.samplers import explained, is_independent, make_sampler

if TYPE_CHECKING:
    from optuna import Trial

Values = tuple[float, ...] | None
"""The values of the objectives of a configuration; None if it diverged or failed."""

BATCH = 4  # of samplers that cannot be asynchronous
PATIENCE = 8  # proposals in a row that are not new, before the nearest new one is taken


@final
class OptunaSearch(Strategy):
    """Proposes configurations by a sampler of Optuna, in batches or asynchronously.

    Raises:
        SpecError: the sampler cannot be used, see `make_sampler`.
    """

    def __init__(self, space: FeasibleSpace, options: OptunaOptions = OptunaOptions()) -> None:
        self._search: Strategy
        if options.batch is None and is_independent(options.sampler):
            from enas_inr.strategies.optuna_asynchronous import AsynchronousSearch

            self._search = AsynchronousSearch(space, options)
        else:
            self._search = BatchSearch(space, options)

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Propose what the sampler chooses; nothing while a batch is pending."""
        return self._search.propose(history, pending, n)

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the batches, or single trials; a choice is better than all before it."""
        return self._search.trace(history)


class BatchSearch(Strategy):
    """Proposes configurations in batches.

    Raises:
        SpecError: the sampler cannot be used, see `make_sampler`.
    """

    def __init__(self, space: FeasibleSpace, options: OptunaOptions) -> None:
        self._space = space
        self._options = options
        self._cached = _Search(space, options)  # saves time only: the history decides
        self._values: dict[str, Values] = {}  # of what has ended, by key; saves time as well
        self._growth, self._keys = Growth(), Keys()

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Propose the configurations of the current batch that are not trained yet."""
        seen = self._keys.of(history, pending)
        # The history may hold other configurations, too: a failed trial that was repeated with
        # success changes the course of the search.
        room = max(0, min(n, self._options.trials - len(seen)))
        search = self._search(history)
        return [search.specs[key] for key in search.batches[-1] if key not in seen][:room]

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the batches; a choice is a trial that was better than all before it."""
        return compared_in_batches(self._search(history).batches, history)

    def _search(self, history: Sequence[TrialResult]) -> _Search:
        known, new = self._growth.of(history)
        if not known:
            self._values = {}
        values = {r.key: objective_values(r, self._space.objectives) for r in new}
        self._values |= values
        again = {key: value for key, value in values.items() if key in self._cached.told}
        if not (known and again.items() <= self._cached.told.items()):
            self._cached = _Search(self._space, self._options)
        self._cached.advance(self._values)
        return self._cached


class _Search:
    """A search up to the end of its history.

    Attributes:
        batches: keys of the proposals by batch; the values of the last batch are not known yet.
        specs: the configurations that were proposed, by key.
        told: values that the sampler has been told, by key.
    """

    def __init__(self, space: FeasibleSpace, options: OptunaOptions) -> None:
        import optuna

        self._options, self._space = options, space
        self._untried = {candidate.point for candidate in space.feasible}
        finite = space.space.finite
        self._left = min(options.trials, len(self._untried)) if finite else options.trials
        self._open: list[tuple[Trial, str]] = []  # asked, not told
        self.batches: list[list[str]] = [[]]
        self.specs: dict[str, Configuration] = {}
        self.told: dict[str, Values] = {}
        sampler = make_sampler(
            options.sampler,
            options.sampler_options,
            seed=space.seed,
            several=len(space.objectives) > 1,
        )
        with explained(options.sampler):
            self._study = optuna.create_study(
                sampler=sampler, directions=directions(space.objectives)
            )

    def advance(self, values: Mapping[str, Values]) -> None:
        """Continue until a batch is not completely in the history, or the search has ended."""
        with explained(self._options.sampler):
            while self._left and all(key in values for key in self.batches[-1]):
                for trial, key in self._open:
                    self.told[key] = values[key]
                    self._tell(trial, values[key])
                self._open = []
                asked = (
                    self._ask_new() for _ in range(min(self._options.batch or BATCH, self._left))
                )
                batch = [key for key in asked if key]
                self._left = self._left - len(batch) if batch else 0
                self.batches.append(batch)

    def _ask_new(self) -> str | None:
        """Ask the sampler until it proposes a new configuration; None if none is left."""
        for _ in range(PATIENCE):
            found = self._ask()
            if found.new:
                return found.new
        untried = [one.point in self._untried for one in self._space.feasible]
        candidate = nearest(self._space, found.point, untried)
        if candidate is None:
            return None
        self._study.enqueue_trial(parameters(self._space, candidate.point))
        return self._ask().new

    def _ask(self) -> _Asked:
        """Ask the sampler once; report the value at once if it is known already."""
        trial = self._study.ask()
        point = suggested_point(self._space, trial)
        candidate = self._space.at(point)
        over = 0 if candidate else excess(self._space, point)
        trial.set_constraint("budget", over)  # 0: within the budget
        if candidate is None:
            self._tell(trial, None)
            return _Asked(point)
        key = candidate.key
        if key in self.told:
            self._tell(trial, self.told[key])
            return _Asked(point)
        self._open.append((trial, key))
        if key in self.specs:  # of the same batch
            return _Asked(point)
        self.specs[key] = candidate.spec
        self._untried.discard(candidate.point)
        return _Asked(point, key)

    def _tell(self, trial: Trial, values: Values) -> None:
        from optuna.trial import TrialState

        if values is None:
            self._study.tell(trial, state=TrialState.PRUNED)  # samplers ignore FAIL
        else:
            self._study.tell(trial, list(values))


@dataclass(frozen=True)
class _Asked:
    """What a sampler proposed: a point, and the key of its configuration if that is new."""

    point: Point
    new: str | None = None
