"""Points of a search space as the parameters of a trial of Optuna."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.spec import Axis
from enas_inr.spec.axis import Scalar
from enas_inr.spec.space import Point

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution


def searched_axes(space: FeasibleSpace) -> list[Axis]:
    """Return the axes with several values, which are the parameters."""
    return [axis for axis in space.space.axes if len(axis.points) > 1]


def suggested_point(space: FeasibleSpace, trial: Trial) -> Point:
    """Let the sampler choose a value on every axis that applies, the backbone first."""
    axes, searched = space.space.axes, searched_axes(space)
    first = min(axes, key=lambda axis: axis.name != "backbone")
    point = space.space.moved((None,) * len(axes), first.name, first.points[0])
    for axis in (first, *(axis for axis in axes if axis is not first)):
        if axis in searched and point[axes.index(axis)] is not None:
            point = space.space.moved(point, axis.name, _suggested(trial, axis))
    return point


def parameters(space: FeasibleSpace, point: Point) -> dict[str, Scalar]:
    """Return the parameters that stand for a point: indices where values are ordered numbers."""
    searched = searched_axes(space)
    return {
        axis.name: axis.values.index(value) if axis.numeric and not axis.range else value
        for axis, value in zip(space.space.axes, point, strict=True)
        if axis in searched and value is not None
    }


def distribution(axis: Axis) -> BaseDistribution:
    """Return the distribution from which the sampler chooses the parameter of an axis."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if axis.range and axis.range.whole:
        low, high = round(axis.range.low), round(axis.range.high)
        return IntDistribution(low, high, log=axis.range.log)
    if axis.range:
        return FloatDistribution(axis.range.low, axis.range.high, log=axis.range.log)
    if axis.numeric:
        return IntDistribution(0, len(axis.values) - 1)
    return CategoricalDistribution(axis.values)


def excess(space: FeasibleSpace, point: Point) -> int:
    """Return how far a point is from the budget; at least 1 if it exceeds it."""
    return max(1, int(space.steps_from(point).sum(axis=1).min()))


def nearest(space: FeasibleSpace, point: Point, accepted: Sequence[bool]) -> Candidate | None:
    """Return the accepted configuration with the fewest steps from a point; None if there is none.

    If there are several, it is the first in the order of their values.

    Args:
        space: the configurations.
        point: the point.
        accepted: which of them are accepted, in the order of `space.feasible`.
    """
    if not any(accepted):
        return None
    away = space.steps_from(point).sum(axis=1)
    away[[not one for one in accepted]] = away.max() + 1
    tied: list[int] = (away == away.min()).nonzero()[0].tolist()
    return min((space.feasible[i] for i in tied), key=lambda candidate: _order(candidate.point))


def _suggested(trial: Trial, axis: Axis) -> Scalar:
    """Let the sampler choose a value: by its index if values are ordered numbers."""
    made: Any = distribution(axis)
    if axis.range:
        if axis.range.whole:
            return trial.suggest_int(axis.name, made.low, made.high, log=made.log)
        return axis.range.rounded(trial.suggest_float(axis.name, made.low, made.high, log=made.log))
    if not axis.numeric:
        return axis.values[axis.values.index(trial.suggest_categorical(axis.name, axis.values))]
    return axis.values[trial.suggest_int(axis.name, made.low, made.high)]


def _order(point: Point) -> list[tuple[str, float]]:
    """A sort key of points that may hold text and missing values."""
    return [
        (value, 0.0) if isinstance(value, str) else ("", -1.0 if value is None else float(value))
        for value in point
    ]
