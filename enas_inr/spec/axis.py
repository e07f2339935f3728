"""The axes of a search space: the fields that a search varies, with values or ranges."""

from __future__ import annotations

import math
from functools import cached_property
from typing import ClassVar, Self

from pydantic import (
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from enas_inr.spec.architecture import AXIS_LETTERS
from enas_inr.spec.recipe import TrainingSpec
from enas_inr.validation import Frozen, Lasting, nearest

__all__ = ["Axis", "Range", "Scalar"]

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
"""A value on an axis."""

ARCHITECTURE = ("backbone", *AXIS_LETTERS)
NAMES = (
    *ARCHITECTURE,
    *(
        name
        for name in TrainingSpec.model_fields
        if name not in ("profile", "defaults", "optimizer_options", "betas")
    ),
)
"""The axes that are not options of a backbone."""

RANGE_POINTS = 5  # of a range, for a strategy that needs values
DIGITS = 4  # of a value within a range, so that it can be read and typed


class Range(Frozen):
    """A range of numbers.

    Attributes:
        low: smallest value.
        high: largest value.
        log: whether ratios count, not differences.
        whole: whether only integers are allowed.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"a range from {self.low:g} to {self.high:g} is empty")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range cannot begin at {self.low:g}")
        if self.whole and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"the range {self.low:g}..{self.high:g} is for whole numbers")
        return self

    @property
    def points(self) -> tuple[Scalar, ...]:
        """A few values at equal distances, including both ends."""
        shares = (index / (RANGE_POINTS - 1) for index in range(RANGE_POINTS))
        return tuple(dict.fromkeys(self._at(share) for share in shares))

    def around(self, value: Scalar) -> tuple[Scalar, ...]:
        """Return the values halfway from one of the `points` to its neighbours."""
        share, half = self._share(value), 0.5 / (RANGE_POINTS - 1)
        near = (self._at(at) for at in (share - half, share + half) if 0 <= at <= 1)
        return tuple(dict.fromkeys(one for one in near if one != value))

    def nearest_point(self, value: Scalar) -> int:
        """Return the index in `points` of the value that is nearest."""
        share = self._share(value)
        return min(range(len(self.points)), key=lambda i: abs(self._share(self.points[i]) - share))

    def rounded(self, value: float) -> Scalar:
        """Return a value as it is proposed: with a few digits, or as an integer."""
        short = round(value) if self.whole else float(f"{value:.{DIGITS}g}")
        return short if self.low <= short <= self.high else min(max(value, self.low), self.high)

    def holds(self, value: object) -> bool:
        """Whether a value is a number within the range."""
        number = isinstance(value, int if self.whole else (int, float))
        return number and not isinstance(value, bool) and self.low <= value <= self.high  # type: ignore[operator]

    def _at(self, share: float) -> Scalar:
        if self.log:
            return self.rounded(self.low * (self.high / self.low) ** share)
        return self.rounded(self.low + (self.high - self.low) * share)

    def _share(self, value: Scalar) -> float:
        number = float(value)
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)


class Axis(Lasting):
    """One axis of a search space.

    Attributes:
        name: a field of EnsembleSpec or of TrainingSpec, or `BACKBONE.OPTION`.
        values: the values to try; numbers are sorted.
        range: a range instead of values.
    """

    later: ClassVar[tuple[str, ...]] = ("values", "range")

    name: str
    values: tuple[Scalar, ...] = ()
    range: Range | None = None

    @field_validator("name")
    @classmethod
    def _is_a_field(cls, name: str) -> str:
        if "." not in name and name not in NAMES:
            raise ValueError(f"unknown axis {name!r}; {nearest(name, NAMES)}")
        return name

    @field_validator("values")
    @classmethod
    def _distinct_and_sorted(cls, values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        distinct = tuple(dict.fromkeys(values))
        if any(isinstance(value, str) for value in distinct):
            return distinct
        return tuple(sorted(distinct))

    @model_validator(mode="after")
    def _values_or_range(self) -> Self:
        if bool(self.values) is (self.range is not None):
            raise ValueError(f"{self.name}: give at least one value, or a range")
        return self

    @property
    def backbone(self) -> str:
        """The backbone whose option it is, or an empty string."""
        return self.name.partition(".")[0] if "." in self.name else ""

    @property
    def points(self) -> tuple[Scalar, ...]:
        """The values, or a few of the range."""
        return self.range.points if self.range else self.values

    def holds(self, value: object) -> bool:
        """Whether a value is on the axis."""
        return self.range.holds(value) if self.range else value in self.values

    @cached_property
    def numeric(self) -> bool:
        """Whether the values are ordered numbers."""
        return not any(isinstance(value, (str, bool)) for value in self.values)

    def index(self, value: Scalar) -> int:
        """Return the position of a value in `points`; of a range, that of the nearest."""
        return self.range.nearest_point(value) if self.range else self.values.index(value)

    def steps(self, one: Scalar | None, other: Scalar | None) -> int:
        """Return how many values apart two are: 1 if they have no order, 0 if one is missing."""
        if one is None or other is None or one == other:
            return 0
        return abs(self.index(one) - self.index(other)) if self.numeric else 1

    def __str__(self) -> str:
        if self.range:
            log = ":log" if self.range.log else ""
            return f"{self.range.low:g}..{self.range.high:g}{log}"
        return ", ".join(map(str, self.values))
