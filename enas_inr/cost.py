"""FLOPs, parameters and bytes of an architecture on a signal, computed without training.

FLOPs follow the paper's convention: two for each multiply-add of a linear layer and each sample;
biases and activations are not counted. FLOPs therefore do not depend on the grid, except for what a
sub-network computes only once (the mapping matrix of Fourier features in Fig. 6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, final, overload

from enas_inr.errors import BudgetError, ContractError, SpecError
from enas_inr.spec import Budget, Configuration, Cost, EnsembleSpec, SearchSpace, SignalInfo
from enas_inr.spec.budget import MEASURED, amount, text_of
from enas_inr.spec.space import Point
from enas_inr.validation import counted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "BYTES_PER_NUMBER",
    "Candidate",
    "FeasibleSpace",
    "NetCost",
    "NetShape",
    "ensemble_cost",
    "net_shape",
    "within_budget",
]

BYTES_PER_NUMBER = 4
"""The size of a float32, in which parameters are stored."""


MOST_POINTS = 10_000  # whose costs are computed before a search


@dataclass(frozen=True)
class NetShape:
    """The shape of one sub-network.

    Attributes:
        in_features: coordinates of a sample, one for each spatial axis.
        out_features: channels of the signal.
        depth: d, the number of hidden w->w layers.
        width: w, the units of a hidden layer.
    """

    in_features: int
    out_features: int
    depth: int
    width: int


@dataclass(frozen=True)
class NetCost:
    """The cost of one sub-network, as its backbone declares it.

    Attributes:
        macs_per_sample: multiply-adds to evaluate one sample.
        macs_once: multiply-adds counted once for each sub-network, whatever its number of samples.
        parameters: numbers that are trained.
        constants: numbers that are stored but not trained.
    """

    macs_per_sample: int
    parameters: int
    macs_once: int = 0
    constants: int = 0


def net_shape(spec: EnsembleSpec, signal: SignalInfo) -> NetShape:
    """Return the shape of each sub-network of `spec` on `signal`."""
    return NetShape(len(signal.shape), signal.channels, spec.depth, spec.width)


def ensemble_cost(net: NetCost, grid: int, signal: SignalInfo) -> Cost:
    """Return the cost of an ensemble with the cells of a `grid` on `signal`."""
    cells = signal.cells(grid)
    return Cost(
        flops=2 * (net.macs_per_sample * signal.samples + net.macs_once * cells),
        parameters=net.parameters * cells,
        bytes=BYTES_PER_NUMBER * (net.parameters + net.constants) * cells,
    )


def check_cost(net: object) -> None:
    """Check the return value of a backbone's `cost`.

    Raises:
        ContractError: it is not a NetCost.
    """
    if not isinstance(net, NetCost):
        raise ContractError(f"cost returned {net!r}, not an enas_inr.cost.NetCost")


@dataclass(frozen=True)
class Candidate:
    """A configuration and its cost.

    Attributes:
        point: its values on the axes of a search space, before defaults of its backbone are filled
            in.
    """

    spec: Configuration
    cost: Cost
    point: Point = ()

    @cached_property
    def key(self) -> str:
        """The key of the configuration."""
        return self.spec.key()


@final
class Later(Sequence[Candidate]):
    """Configurations whose costs are computed when they are first looked at.

    Args:
        make: computes them.
    """

    def __init__(self, make: Callable[[], Sequence[Candidate]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Sequence[Candidate]:
        return self._make()

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Candidate]: ...

    def __getitem__(self, index: int | slice) -> Candidate | Sequence[Candidate]:
        return self._made[index]


def _none(spec: Configuration) -> Candidate | None:
    return None


@dataclass(frozen=True)
class FeasibleSpace:
    """A search space and those of its configurations that fit the budget, with their costs.

    Attributes:
        space: the axes, in the order of the search.
        feasible: the configurations within the budget, in the order of `space.points()`.
        objectives: the objectives to optimise together; empty for the score alone.
        seed: random seed of the strategy.
        axes: spatial axes of the signal.
        shape: samples of the signal along each axis; of a set, those of the first one. Empty for
            axes that are longer than any grid.
        samples: samples of the signal; of a set, those of the first one.
        signals: number of signals.
        worth: how much of the score one decibel is worth at most.
        promise: returns the highest score that a configuration can have, whatever its PSNR is;
            None if that is not known.
        repeats: number of trainings of a whole trial.
        exact: whether the winner is to be trained in full.
        within: returns a configuration between those points with its cost; None if it exceeds the
            budget.
    """

    space: SearchSpace
    feasible: Sequence[Candidate]
    objectives: tuple[str, ...] = ()
    seed: int = 0
    axes: int = 2
    shape: tuple[int, ...] = ()
    samples: int = 1
    signals: int = 1
    worth: float = 1.0
    promise: Callable[[Candidate], float] | None = None
    repeats: int = 1
    exact: bool = False
    within: Callable[[Configuration], Candidate | None] = _none

    def within_both(self, other: FeasibleSpace) -> FeasibleSpace:
        """Return the configurations that fit the budget of another signal as well.

        Raises:
            BudgetError: there is none.
        """

        def within(spec: Configuration) -> Candidate | None:
            point = self.space.point(spec)
            return self.within(spec) if other.at(point) else None

        feasible = tuple(one for one in self.feasible if other.at(one.point))
        if not feasible:
            raise BudgetError(
                f"none of the {counted(len(self.feasible), 'configuration')} that fit one "
                "signal of the set fits the others",
                "raise the limits, or search signals of similar sizes",
            )
        return replace(self, feasible=feasible, within=within)

    def cells(self, spec: EnsembleSpec) -> int:
        """Return the number of cells of an architecture."""
        sides = [min(spec.grid, length) for length in self.shape] or [spec.grid] * self.axes
        return math.prod(sides)

    def at(self, point: Point) -> Candidate | None:
        """Return the configuration at a point; None if it exceeds the budget."""
        if known := self._by_point.get(point):
            return known
        if self.space.only:
            return None
        found = self.within(self.space.configuration(point))
        # Another point may have the same configuration, if a value is that of a default.
        return found and (self._by_key.get(found.key) or replace(found, point=point))

    def find(self, spec: Configuration) -> Candidate | None:
        """Return a configuration of the space with its cost; None if it exceeds the budget."""
        found = self._by_key.get(spec.key())
        if found or self.space.finite or not self.space.holds(spec):
            return found
        return self.within(spec)

    def line(self, point: Point, axis: str) -> tuple[Candidate, ...]:
        """Return the configurations within the budget that differ from a point on one axis."""
        moved = (self.space.moved(point, axis, value) for value in self.space.axis(axis).points)
        return tuple(candidate for one in moved if (candidate := self.at(one)))

    def steps_from(self, point: Point) -> npt.NDArray[np.int64]:
        """Return how many values apart a point and each feasible configuration are on each axis.

        Returns:
            `[configurations, axes]`, in the order of `feasible`; see `Axis.steps`.
        """
        import numpy as np

        apart = [
            np.array([axis.steps(value, other) for other in values])[places]
            for axis, value, (values, places) in zip(
                self.space.axes, point, self._by_axis, strict=True
            )
        ]
        return np.stack(apart, axis=1)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of the configurations within the budget, in the order of `feasible`."""
        return tuple(candidate.key for candidate in self.feasible)

    @cached_property
    def _by_axis(self) -> list[tuple[Point, npt.NDArray[np.int64]]]:
        """For each axis the distinct values, and the place of each configuration's among them."""
        import numpy as np

        columns = zip(*(candidate.point for candidate in self.feasible), strict=True)
        found = []
        for column in columns:
            places = {value: place for place, value in enumerate(dict.fromkeys(column))}
            found.append((tuple(places), np.array([places[value] for value in column])))
        return found

    @cached_property
    def _by_point(self) -> dict[Point, Candidate]:
        return {candidate.point: candidate for candidate in self.feasible}

    @cached_property
    def _by_key(self) -> dict[str, Candidate]:
        return {candidate.key: candidate for candidate in self.feasible}


def within_budget(
    space: SearchSpace,
    budget: Budget,
    samples: int,
    candidate: Callable[[Configuration], Candidate],
    measured: Callable[[Candidate], Candidate] = lambda candidate: candidate,
) -> FeasibleSpace:
    """Compute the cost of every configuration of `space` and keep those within `budget`.

    Args:
        space: the configurations.
        budget: the limits.
        samples: number of samples of the signal, for limits per sample.
        candidate: computes the cost of one configuration, and may resolve its options.
        measured: adds the costs that take longer, for a configuration within the other limits.

    Raises:
        BudgetError: no configuration fits. The message names the nearest.
    """
    limits = budget.limits(samples)
    quick = [name for name in limits if name not in MEASURED]

    def fits(one: Candidate, names: Iterable[str]) -> bool:
        return all(amount(one.cost, name) <= limits[name] for name in names)

    def settled(one: Candidate) -> Candidate:
        return measured(one) if fits(one, quick) else one

    @cache
    def within(key: str) -> Candidate | None:
        one = settled(candidate(Configuration.model_validate_json(key)))
        return one if fits(one, limits) else None

    if space.size > MOST_POINTS:
        axes = ", ".join(f"{axis.name} {len(axis.points)}" for axis in space.axes)
        raise SpecError(
            f"the search space has {space.size} points, more than {MOST_POINTS} ({axes})",
            "drop an axis, or give fewer values",
        )
    candidates = [
        replace(candidate(space.configuration(point)), point=point) for point in space.points()
    ]
    distinct = {one.key: one for one in reversed(candidates)}  # the first of those that are equal
    costed = [settled(one) for one in candidates if distinct[one.key] is one]
    feasible = tuple(one for one in costed if fits(one, limits))
    if not feasible:
        raise _nothing_fits(costed, limits)
    return FeasibleSpace(space, feasible, samples=samples, within=lambda spec: within(spec.key()))


def _nothing_fits(candidates: Sequence[Candidate], limits: Mapping[str, float]) -> BudgetError:
    def excess(one: Candidate) -> float:
        return max(amount(one.cost, name) / limit for name, limit in limits.items())

    near = min(candidates, key=excess)
    over = [name for name, limit in limits.items() if amount(near.cost, name) > limit]
    needs = ", ".join(text_of(name, amount(near.cost, name)) for name in over)
    budget = ", ".join(text_of(name, limit) for name, limit in limits.items())
    return BudgetError(
        f"none of the {counted(len(candidates), 'configuration')} fits the budget of {budget}; "
        f"the nearest, {near.spec.label()}, has {needs}",
        f"raise the limit of {' and '.join(over)}, or add smaller sizes",
    )
