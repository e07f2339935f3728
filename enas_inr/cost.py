"""FLOPs, parameters and bytes of an architecture on a signal, computed without training.

FLOPs follow the paper's convention: two for each multiply-add of a linear layer and each sample;
biases and activations are not counted. FLOPs therefore do not depend on the grid, except for what a
sub-network computes only once (the mapping matrix of Fourier features in Fig. 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from enas_inr.errors import BudgetError, ContractError, SpecError
from enas_inr.spec import Budget, Cost, EnsembleSpec, SearchSpace, SignalInfo
from enas_inr.validation import format_quantity

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
    """Return the cost of an ensemble with `grid` cells along each axis of `signal`."""
    cells = grid ** len(signal.shape)
    return Cost(
        flops=2 * (net.macs_per_sample * signal.samples + net.macs_once * cells),
        parameters=net.parameters * cells,
        bytes=BYTES_PER_NUMBER * (net.parameters + net.constants) * cells,
    )


def check_grid(grid: int, signal: SignalInfo) -> None:
    """Refuse a grid with more cells along an axis than the signal has samples.

    Raises:
        SpecError: a cell would be empty.
    """
    if grid > min(signal.shape):
        raise SpecError(
            f"grid {grid} is larger than the signal ({'x'.join(map(str, signal.shape))} samples)",
            f"use a grid of at most {min(signal.shape)}",
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
    """An architecture and its cost."""

    spec: EnsembleSpec
    cost: Cost


@dataclass(frozen=True)
class FeasibleSpace:
    """A search space and those of its architectures that fit the budget, with their costs.

    Attributes:
        space: the axes, in the order of the search.
        feasible: the architectures within the budget, in the order of `space.specs()`.
        objectives: the objectives to optimise together; empty for the score alone.
        seed: random seed of the strategy.
    """

    space: SearchSpace
    feasible: tuple[Candidate, ...]
    objectives: tuple[str, ...] = ()
    seed: int = 0

    def line(self, spec: EnsembleSpec, axis: str) -> tuple[Candidate, ...]:
        """Return the feasible architectures that differ from `spec` on at most one axis."""
        others = [a.name for a in self.space.axes if a.name != axis]
        return tuple(
            c for c in self.feasible if all(getattr(c.spec, n) == getattr(spec, n) for n in others)
        )


def within_budget(
    space: SearchSpace, budget: Budget, samples: int, candidate: Callable[[EnsembleSpec], Candidate]
) -> FeasibleSpace:
    """Compute the cost of every architecture of `space` and keep those within `budget`.

    Args:
        space: the architectures.
        budget: the limits.
        samples: number of samples of the signal, for limits per sample.
        candidate: computes the cost of one architecture, and may resolve its options.

    Raises:
        BudgetError: no architecture fits. The message gives the smallest costs.
    """
    limits = budget.limits(samples)
    candidates = [candidate(spec) for spec in space.specs()]
    feasible = tuple(
        c
        for c in candidates
        if all(getattr(c.cost, name) <= limit for name, limit in limits.items())
    )
    if not feasible:
        smallest = {name: min(getattr(c.cost, name) for c in candidates) for name in limits}
        raise BudgetError(
            f"none of the {len(candidates)} architectures fits the budget of {_amounts(limits)}",
            f"the smallest costs are {_amounts(smallest)}: raise the budget or add smaller sizes",
        )
    return FeasibleSpace(space, feasible)


def _amounts(costs: dict[str, int]) -> str:
    return ", ".join(f"{format_quantity(value)} {name}" for name, value in costs.items())
