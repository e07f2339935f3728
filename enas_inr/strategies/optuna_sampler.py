"""Any sampler of Optuna, made a pure function of the study.

    make an Optuna study in memory, with a seeded sampler
    repeat
        ask the sampler for a batch of architectures that are feasible and new
        tell it what they are worth, in the order in which it named them
    until enough architectures are trained, or all that are feasible

What is told depends on the batches before alone, not on when a trial ended: so the search is the
same on one device and on a cluster, and after a kill. A point of the sampler that is over the
budget is told as pruned, with its distance to the budget as a constraint; one that was trained is
told its value once more. A sampler that names no new one for a while (Optuna's remember no points;
near the end few are left) gets the nearest that is.

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
"""Where an architecture lies: the index of its value on each axis that has several."""

Values = tuple[float, ...] | None
"""What an architecture is worth, by objective; None if it diverged or failed."""

PATIENCE = 8  # asks in a row that name nothing new, before the nearest new one is taken


@final
class OptunaSearch(Strategy):
    """Lets a sampler propose, in batches.

    Raises:
        SpecError: the sampler cannot be used, see `make_sampler`.
    """

    def __init__(self, space: FeasibleSpace, options: OptunaOptions = OptunaOptions()) -> None:
        self._space = space
        self._options = options
        self._specs = {c.spec.key(): c.spec for c in space.feasible}
        self._replay = _Replay(space, options)  # spares time only: the history decides

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[EnsembleSpec], n: int
    ) -> Sequence[EnsembleSpec]:
        """What the current batch still lacks."""
        seen = {result.key for result in history} | {spec.key() for spec in pending}
        # Trained are others than the replay's, too, if one that failed was tried again since and
        # changed the course of the search.
        room = max(0, min(n, self._options.trials - len(seen)))
        batch = self._replayed(history).batches[-1]
        return [self._specs[key] for key in batch if key not in seen][:room]

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """The batches; chosen is what was better than all before it."""
        return compared_in_batches(self._replayed(history).batches, history)

    def _replayed(self, history: Sequence[TrialResult]) -> _Replay:
        values = {r.key: objective_values(r, self._space.objectives) for r in history}
        if not self._replay.told.items() <= values.items():
            self._replay = _Replay(self._space, self._options)
        self._replay.advance(values)
        return self._replay


class _Replay:
    """A search, as far as its history goes.

    Attributes:
        batches: the keys of what was asked for; the last is not told yet.
        told: what the sampler knows of them.
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
        """Go on until a batch is not wholly in the history, or the search has ended."""
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
        """Ask until the sampler names a new architecture."""
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
        """Ask once; tell at once what is known already."""
        trial = self._study.ask(self._distributions)
        point = tuple(trial.params[name] for name in self._lattice.sizes)
        excess = self._lattice.distance(point)
        trial.set_constraint("budget", excess)  # 0 is within it
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
            self._study.tell(trial, state=TrialState.PRUNED)  # of FAIL it would learn nothing
        else:
            self._study.tell(trial, list(values))


@dataclass(frozen=True)
class _Lattice:
    """The feasible architectures as points of a lattice.

    Attributes:
        sizes: how many values each axis has, of those with several.
        keys: the architectures.
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
        """Steps along the axes to the nearest feasible point."""
        return 0 if point in self.keys else min(_steps(point, other) for other in self.keys)

    @staticmethod
    def nearest(point: Point, among: set[Point]) -> Point:
        """The one that is the fewest steps away; of several, the first on the axes."""
        return min(among, key=lambda other: (_steps(point, other), other))


def _steps(one: Point, other: Point) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
