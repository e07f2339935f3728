"""The grids of a search whose cells would be more than the samples of an axis."""

from __future__ import annotations

from collections.abc import Sequence

from enas_inr.errors import SpecError, warn_once
from enas_inr.spec import Axis, EnsembleSpec, Range, SearchSpace, SignalInfo
from enas_inr.spec.axis import Scalar
from enas_inr.spec.sizes import capping


def capped_space(space: SearchSpace, signals: Sequence[SignalInfo], where: str = "") -> SearchSpace:
    """Return a space without two grids that have the same cells, and say so in one line.

    Args:
        space: the space as it was asked for.
        signals: metadata of the signals of the study.
        where: prefix of error messages.

    Raises:
        SpecError: a grid has different numbers of cells on the signals of a set.
    """
    most = _largest(space)
    first = signals[0]
    for other in signals[1:]:
        if other.cells_along(most) != first.cells_along(most):
            least = min(min(info.shape) for info in signals)
            raise SpecError(
                f"{where}grid {most} has {_text(first.cells_along(most))} cells on {first.name!r}"
                f" and {_text(other.cells_along(most))} on {other.name!r}",
                f"use a grid of at most {least}, or leave out the smaller signals",
            )
    if note := capping(first, most):
        warn_once(note)
    if first.capped(most) == most:
        return space
    only = [
        tuple(
            first.capped(int(value)) if axis.name == "grid" and value else value
            for axis, value in zip(space.axes, point, strict=True)
        )
        for point in space.only
    ]
    return SearchSpace(
        base=capped(space.base, first),
        axes=tuple(_capped_axis(axis, first) for axis in space.axes),
        only=tuple(dict.fromkeys(only)),
    )


def capped(spec: EnsembleSpec, signal: SignalInfo) -> EnsembleSpec:
    """Return an architecture with the smallest grid that has the same cells on a signal."""
    return spec.model_copy(update={"grid": signal.capped(spec.grid)})


def _largest(space: SearchSpace) -> int:
    for axis in space.axes:
        if axis.name == "grid":
            return int(axis.range.high if axis.range else max(map(int, axis.values)))
    return space.base.grid


def _capped_axis(axis: Axis, signal: SignalInfo) -> Axis:
    if axis.name != "grid":
        return axis
    if not axis.range:
        values: list[Scalar] = [signal.capped(int(value)) for value in axis.values]
        return Axis(name=axis.name, values=tuple(values))
    low, high = (signal.capped(int(end)) for end in (axis.range.low, axis.range.high))
    if low == high:
        return Axis(name=axis.name, values=(low,))
    kind = {"log": axis.range.log, "whole": axis.range.whole}
    return Axis(name=axis.name, range=Range(low=low, high=high, **kind))


def _text(cells: Sequence[int]) -> str:
    return "x".join(map(str, cells))
