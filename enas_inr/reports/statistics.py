"""Confidence intervals of the mean of a few repeats, and of the difference of two means."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over repeats and its confidence interval by Student's t.

    Attributes:
        mean: mean of the values.
        half_width: half the width of the interval around the mean; None for a single value.
        count: number of values.
    """

    mean: float
    half_width: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate | None:
        """Estimate from values; None if there are none."""
        if len(values) < 2:
            return cls(values[0], None, 1) if values else None
        from scipy.special import stdtrit  # quicker to import than scipy.stats

        error = statistics.stdev(values) / math.sqrt(len(values))
        reach = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2))
        return cls(statistics.fmean(values), reach * error, len(values))

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """The ends of the interval; None for a single value."""
        half = self.half_width
        return (None, None) if half is None else (self.mean - half, self.mean + half)

    def __str__(self) -> str:
        return f"{self.mean:.2f}{_spread(self.half_width)}"


@dataclass(frozen=True)
class Difference:
    """The difference of two means (the second's minus the first's), by Welch's t-test.

    Attributes:
        mean: the difference of the means.
        half_width: half the width of its interval; None with fewer than two values on a side.
        p: probability of a difference at least as large by chance; None if `half_width` is None,
            or neither side has any spread.
    """

    mean: float
    half_width: float | None
    p: float | None

    @classmethod
    def of(cls, first: Sequence[float], second: Sequence[float]) -> Difference | None:
        """Compare two samples of unequal variances; None if one is empty.

        Source: B. L. Welch, "The generalization of 'Student's' problem when several different
        population variances are involved", Biometrika 34, 1947.
        """
        if not first or not second:
            return None
        mean = statistics.fmean(second) - statistics.fmean(first)
        alike = len(set(first)) == len(set(second)) == 1
        if min(len(first), len(second)) < 2 or alike:
            return cls(mean, None, None)
        from scipy.special import stdtr, stdtrit

        parts = [statistics.variance(side) / len(side) for side in (first, second)]
        error = math.sqrt(sum(parts))
        shares = (p**2 / (len(side) - 1) for p, side in zip(parts, (first, second), strict=True))
        freedom = sum(parts) ** 2 / sum(shares)
        half = error * float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
        return cls(mean, half, 2 * float(stdtr(freedom, -abs(mean) / error)))

    @property
    def significant(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.half_width is not None and abs(self.mean) > self.half_width

    def __str__(self) -> str:
        return f"{self.mean:+.2f}{_spread(self.half_width)}"


def _spread(half_width: float | None) -> str:
    return "" if half_width is None else f" ± {half_width:.2f}"
