"""Configurations, and the space of those among which a search chooses.

A configuration is an architecture and a recipe. An axis of a space is a field of either, or an
option of a backbone: `width`, `learning_rate`, `siren.omega_first`. It has values, or a range.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

from pydantic import (
    Field,
    JsonValue,
    field_validator,
    model_validator,
)

from enas_inr.errors import SpecError
from enas_inr.spec.architecture import AXIS_LETTERS, EnsembleSpec
from enas_inr.spec.axis import ARCHITECTURE, Axis, Scalar
from enas_inr.spec.recipe import TrainingSpec
from enas_inr.validation import Frozen, Lasting, nearest, parse

__all__ = ["Configuration", "Fidelity", "Point", "SearchSpace"]

Point = tuple[Scalar | None, ...]
"""A value for each axis of a space; None for an option of a backbone that is not chosen."""


MOST_NAMED = 8  # of given architectures


class Fidelity(Frozen):
    """How much of a trial is trained.

    Attributes:
        cells: share of the cells, which are taken in a fixed order (see
            `enas_inr.signals.stratified.nested_order`); at least one is.
        repeats: number of trainings of each of them.
        steps: share of the steps of the recipe that is made, of which the schedule is that of all.
        signals: share of the signals of a set, which are taken in a fixed order; at least one is.
    """

    cells: float = Field(default=1.0, gt=0, le=1)
    repeats: int = Field(default=1, ge=1)
    steps: float = Field(default=1.0, gt=0, le=1)
    signals: float = Field(default=1.0, gt=0, le=1)

    def count(self, cells: int) -> int:
        """Return how many of the cells these are."""
        return _count(self.cells, cells)

    def signals_of(self, signals: int) -> int:
        """Return how many of the signals of a set these are."""
        return _count(self.signals, signals)

    def steps_of(self, steps: int) -> int:
        """Return how many of the steps of a recipe these are."""
        return _count(self.steps, steps)


def _count(share: float, number: int) -> int:
    return min(number, max(1, math.ceil(share * number - 1e-9)))


class Configuration(EnsembleSpec):
    """What a trial trains: an architecture, and its changes to the recipe of the study.

    Attributes:
        recipe: fields of TrainingSpec with their values.
        fidelity: how much of it to train; None for a whole trial. It is not part of the key.
    """

    later: ClassVar[tuple[str, ...]] = ("recipe",)

    recipe: dict[str, JsonValue] = {}
    fidelity: Fidelity | None = Field(default=None, exclude=True)

    def at(self, fidelity: Fidelity) -> Self:
        """Return the configuration with a fidelity."""
        return self.model_copy(update={"fidelity": fidelity})

    @property
    def ensemble(self) -> EnsembleSpec:
        """The architecture."""
        return EnsembleSpec(**{name: getattr(self, name) for name in EnsembleSpec.model_fields})

    def label(self) -> str:
        """Return a short name for people: `siren M=8 d=1 w=128 learning_rate=0.001`."""
        return " ".join([super().label(), *(f"{k}={v}" for k, v in self.recipe.items())])

    def value(self, axis: str) -> Any:
        """Return the value on an axis; None if it is a default, or of another backbone."""
        if axis in ARCHITECTURE:
            return getattr(self, axis)
        backbone, dot, option = axis.partition(".")
        if dot:
            return self.options.get(option) if backbone == self.backbone else None
        return self.recipe.get(axis)

    def with_value(self, axis: str, value: Scalar) -> Self:
        """Return the configuration with another value on one axis.

        With another backbone, options that were for the old one are dropped.
        """
        _, dot, option = axis.partition(".")
        if dot:
            return self.model_copy(update={"options": self.options | {option: value}})
        if axis not in ARCHITECTURE:
            return self.model_copy(update={"recipe": self.recipe | {axis: value}})
        changes: dict[str, Any] = {axis: value}
        if axis == "backbone" and value != self.backbone:
            changes["options"] = {}
        return self.model_copy(update=changes)

    def training(self, common: TrainingSpec) -> TrainingSpec:
        """Return the recipe of the configuration.

        Args:
            common: the recipe of the study, which the configuration changes.

        Raises:
            SpecError: a value is out of range.
        """
        if not self.recipe:
            return common
        changed = common.model_dump() | self.recipe
        if self.recipe.get("optimizer", common.optimizer) != common.optimizer:
            changed["optimizer_options"] = {}
        return parse(TrainingSpec, changed, "search space")


class SearchSpace(Lasting):
    """A base architecture and the axes along which it varies, in the order of the search.

    Attributes:
        only: the points to consider, in the order of the axes; empty for all.
    """

    later: ClassVar[tuple[str, ...]] = ("only",)

    base: EnsembleSpec
    axes: tuple[Axis, ...] = Field(min_length=1)
    only: tuple[tuple[Scalar, ...], ...] = ()

    @field_validator("axes")
    @classmethod
    def _distinct(cls, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        names = [axis.name for axis in axes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"axis {name!r} is named twice; name it once")
        return axes

    @model_validator(mode="after")
    def _axes_that_apply(self) -> Self:
        for axis in self.axes:
            if axis.backbone and axis.backbone not in self._backbones:
                raise ValueError(
                    f"axis {axis.name!r} applies to no backbone of the space, "
                    f"which has {', '.join(self._backbones)}"
                )
        return self

    @model_validator(mode="after")
    def _only_of_the_axes(self) -> Self:
        for values in self.only:
            if len(values) != len(self.axes) or not all(
                value in axis.values for value, axis in zip(values, self.axes, strict=True)
            ):
                names = ", ".join(axis.name for axis in self.axes)
                raise ValueError(f"only: {values} is not one value for each of {names}")
            if self.only.count(values) > 1:
                raise ValueError(f"only: {values} is named twice; name it once")
        return self

    @classmethod
    def of(cls, specs: Sequence[EnsembleSpec]) -> Self:
        """Return the space of the given architectures, which differ only in their sizes.

        Raises:
            SpecError: no architecture is given, or they differ in more than their sizes.
        """
        base, *others = specs or [EnsembleSpec()]
        if not specs or any(base.model_copy(update=s.sizes()) != s for s in others):
            raise SpecError(
                "a space of given architectures needs one backbone with one set of options"
            )
        axes = tuple(Axis(name=n, values=tuple(getattr(s, n) for s in specs)) for n in AXIS_LETTERS)
        return cls(base=base, axes=axes, only=tuple(tuple(s.sizes().values()) for s in specs))

    @property
    def _backbones(self) -> tuple[str, ...]:
        named = [axis.values for axis in self.axes if axis.name == "backbone"]
        return tuple(map(str, named[0])) if named else (self.base.backbone,)

    @property
    def size(self) -> int:
        """The number of points, or somewhat more if there are options of backbones."""
        return len(self.only) or math.prod(len(axis.points) for axis in self.axes)

    @property
    def finite(self) -> bool:
        """Whether it has only values, no ranges."""
        return not any(axis.range for axis in self.axes)

    def axis(self, name: str) -> Axis:
        """Return an axis by its name.

        Raises:
            SpecError: the space has no such axis.
        """
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise SpecError(
            f"the search space has no axis {name!r}", nearest(name, [a.name for a in self.axes])
        )

    def label(self, configuration: Configuration) -> str:
        """Return a short name for people, with the options that are axes."""
        options = [axis.name for axis in self.axes if axis.backbone]
        return f"{configuration.label()} {configuration.short_label(options)}".rstrip()

    def further(self, configuration: Configuration) -> str:
        """Return the values on the axes besides the sizes and the backbone, for people."""
        names = [axis.name for axis in self.axes if axis.name not in ARCHITECTURE]
        return configuration.short_label(names)

    def text(self) -> str:
        """Return what is searched, and the sizes that are not, for people."""
        if len(self.only) > MOST_NAMED:
            return f"{len(self.only)} given ones"
        if self.only:
            names = [AXIS_LETTERS.get(axis.name, axis.name) for axis in self.axes]
            return "; ".join(
                " ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
                for values in self.only
            )
        sizes = {name: str(value) for name, value in self.base.sizes().items()}
        searched = sizes | {axis.name: str(axis) for axis in self.axes}
        return "; ".join(f"{name} {values}" for name, values in searched.items())

    def points(self) -> Iterator[Point]:
        """Iterate over all points, with a few values of each range; the last axis is fastest."""
        if self.only:
            yield from self.only
            return
        choices = [(*axis.points, None) if axis.backbone else axis.points for axis in self.axes]
        for point in itertools.product(*choices):
            backbone = self._backbone(point)
            if all(
                (value is not None) is (axis.backbone in ("", backbone))
                for axis, value in zip(self.axes, point, strict=True)
            ):
                yield point

    def point(self, configuration: Configuration) -> Point:
        """Return the values of a configuration of the space, whose options are not resolved."""
        return tuple(configuration.value(axis.name) for axis in self.axes)

    def configurations(self) -> Iterator[Configuration]:
        """Iterate over the configurations at all `points`."""
        return map(self.configuration, self.points())

    def configuration(self, point: Point) -> Configuration:
        """Return the configuration at a point.

        Raises:
            SpecError: a value is out of range.
        """
        fields: dict[str, Any] = self.base.model_dump()
        recipe: dict[str, Any] = {}
        if self._backbone(point) != self.base.backbone:
            fields["options"] = {}
        for axis, value in zip(self.axes, point, strict=True):
            if value is None:
                continue
            if axis.backbone:
                fields["options"] |= {axis.name.partition(".")[2]: value}
            elif axis.name in ARCHITECTURE:
                fields[axis.name] = value
            else:
                recipe[axis.name] = value
        return parse(Configuration, fields | {"recipe": recipe}, "search space")

    def asked(self, configuration: Configuration) -> Configuration:
        """Return a configuration of the space without the options that were filled in for a signal.

        Those that the base has, or that are axes, are kept.
        """
        return self.configuration(self.point(configuration))

    def holds(self, configuration: Configuration) -> bool:
        """Whether a configuration has values of the axes, and no others than the base."""
        names = {axis.name for axis in self.axes}
        for name in ARCHITECTURE:
            if name not in names and configuration.value(name) != getattr(self.base, name):
                return False
        applying = [a for a in self.axes if a.backbone in ("", configuration.backbone)]
        return configuration.recipe.keys() <= names and all(
            axis.holds(configuration.value(axis.name)) for axis in applying
        )

    def moved(self, point: Point, name: str, value: Scalar) -> Point:
        """Return a point with another value on one axis.

        With another backbone, options of the old one are None, and those of the new one have the
        values in the middle of their axes.
        """
        values = {
            axis.name: value if axis.name == name else old
            for axis, old in zip(self.axes, point, strict=True)
        }
        backbone = self._backbone(tuple(values.values()))
        for axis in self.axes:
            if axis.backbone not in ("", backbone):
                values[axis.name] = None
            elif values[axis.name] is None:
                values[axis.name] = axis.points[len(axis.points) // 2]
        return tuple(values.values())

    def _backbone(self, point: Point) -> str:
        for axis, value in zip(self.axes, point, strict=True):
            if axis.name == "backbone":
                return str(value)
        return self.base.backbone
