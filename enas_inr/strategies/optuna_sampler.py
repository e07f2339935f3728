"""The samplers of Optuna as pure functions of the study.

    make an Optuna study in memory, with a seeded sampler
    repeat
        ask the sampler for a batch of architectures that are feasible and new
        tell it their values, in the order in which it proposed them
    until enough architectures are trained, or all feasible ones

What the sampler is told depends only on the previous batches, not on when a trial ended. The search
is therefore the same on one device, on a cluster and after an interruption. A point that exceeds
the budget is reported to the sampler as pruned, with its distance to the budget as a constraint; a
point that was trained before is reported with its value again. If the sampler proposes nothing new
for a while (Optuna's samplers do not remember points, and few are left near the end), the nearest
new architecture is taken instead.

Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, KDD 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from enas_inr.cost import FeasibleSpace
from enas_inr.result import TraceStep, TrialResult, directions, objective_values
from enas_inr.spec import EnsembleSpec
from enas_inr.strategies.base import Strategy, compared_in_batches
from enas_inr.strategies.options import OptunaOptions
from enas_inr.strategies.samplers import explained, make_sampler

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution

Point = tuple[int, ...]
"""Position of an architecture: the index of its value on each axis with several values."""

Values = tuple[float, ...] | None
"""The values of the objectives of an architecture; None if it diverged or failed."""

PATIENCE = 8  # proposals in a row that are not new, before the nearest new one is taken


@final
class OptunaSearch(Strategy):
    """Proposes architectures in batches by a sampler of Optuna.

    Raises:
        SpecError: the sampler cannot be used, see `make_sampler`.
    """

    def __init__(self, space: FeasibleSpace, options: OptunaOptions = OptunaOptions()) -> None:
        self._space = space
        self._options = options
        self._specs = {c.spec.key(): c.spec for c in space.feasible}
        self._cached = _Search(space, options)  # saves time only: the history decides

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[EnsembleSpec], n: int
    ) -> Sequence[EnsembleSpec]:
        """Propose the architectures of the current batch that are not trained yet."""
        seen = {result.key for result in history} | {spec.key() for spec in pending}
        # The history may hold other architectures, too: a failed trial that was repeated with
        # success changes the course of the search.
        room = max(0, min(n, self._options.trials - len(seen)))
        batch = self._search(history).batches[-1]
        return [self._specs[key] for key in batch if key not in seen][:room]

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the batches; a choice is a trial that was better than all before it."""
        return compared_in_batches(self._search(history).batches, history)

    def _search(self, history: Sequence[TrialResult]) -> _Search:
        values = {r.key: objective_values(r, self._space.objectives) for r in history}
        if not self._cached.told.items() <= values.items():
            self._cached = _Search(self._space, self._options)
        self._cached.advance(values)
        return self._cached


class _Search:
    """A search up to the end of its history.

    Attributes:
        batches: keys of the proposals by batch; the values of the last batch are not known yet.
        told: values that the sampler has been told, by key.
    """

    def __init__(self, space: FeasibleSpace, options: OptunaOptions) -> None:
        import optuna

        self._options = options
        self._lattice = lattice = _Lattice.of(space)
        self._unseen = set(lattice.keys)
        self._left = min(options.trials, len(self._unseen))
        self._open: list[tuple[Trial, str]] = []  # asked, not told
        self.batches: list[list[str]] = [[]]
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
        self._distributions: dict[str, BaseDistribution] = {
            name: optuna.distributions.IntDistribution(0, size - 1)
            for name, size in lattice.sizes.items()
        }

    def advance(self, values: Mapping[str, Values]) -> None:
        """Continue until a batch is not completely in the history, or the search has ended."""
        with explained(self._options.sampler):
            while self._left and all(key in values for key in self.batches[-1]):
                for trial, key in self._open:
                    self.told[key] = values[key]
                    self._tell(trial, values[key])
                self._open = []
                batch = [self._ask_new() for _ in range(min(self._options.batch, self._left))]
                self._left -= len(batch)
                self.batches.append(batch)

    def _ask_new(self) -> str:
        """Ask the sampler until it proposes a new architecture."""
        for _ in range(PATIENCE):
            point = self._ask()
            if point in self._unseen:
                break
        else:
            nearest = self._lattice.nearest(point, self._unseen)
            self._study.enqueue_trial(dict(zip(self._lattice.sizes, nearest, strict=True)))
            point = self._ask()
        self._unseen.remove(point)
        return self._lattice.keys[point]

    def _ask(self) -> Point:
        """Ask the sampler once; report the value at once if it is known already."""
        trial = self._study.ask(self._distributions)
        point = tuple(trial.params[name] for name in self._lattice.sizes)
        excess = self._lattice.distance(point)
        trial.set_constraint("budget", excess)  # 0: within the budget
        key = self._lattice.keys.get(point)
        if key is None:
            self._tell(trial, None)
        elif key in self.told:
            self._tell(trial, self.told[key])
        else:
            self._open.append((trial, key))
        return point

    def _tell(self, trial: Trial, values: Values) -> None:
        from optuna.trial import TrialState

        if values is None:
            self._study.tell(trial, state=TrialState.PRUNED)  # samplers ignore FAIL
        else:
            self._study.tell(trial, list(values))


@dataclass(frozen=True)
class _Lattice:
    """The feasible architectures as points of a lattice.

    Attributes:
        sizes: number of values of each axis that has several.
        keys: keys of the architectures by position.
    """

    sizes: Mapping[str, int]
    keys: Mapping[Point, str]

    @classmethod
    def of(cls, space: FeasibleSpace) -> _Lattice:
        """Lay out a search space."""
        axes = [axis for axis in space.space.axes if len(axis.values) > 1]
        return cls(
            {axis.name: len(axis.values) for axis in axes},
            {
                tuple(axis.values.index(getattr(c.spec, axis.name)) for axis in axes): c.spec.key()
                for c in space.feasible
            },
        )

    def distance(self, point: Point) -> int:
        """Return the number of steps along the axes to the nearest feasible point."""
        return 0 if point in self.keys else min(_steps(point, other) for other in self.keys)

    @staticmethod
    def nearest(point: Point, among: set[Point]) -> Point:
        """Return the point of `among` with the fewest steps; of several, the first on the axes."""
        return min(among, key=lambda other: (_steps(point, other), other))


def _steps(one: Point, other: Point) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
