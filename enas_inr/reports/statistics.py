"""What a few repeats say about a mean, and about the difference of two."""

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
        mean: of the values.
        half_width: of the interval around it; None where one value says nothing about the spread.
        count: of the values.
    """

    mean: float
    half_width: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate | None:
        """Estimate from values; None if there are none."""
        if not values:
            return None
        count = len(values)
        if count == 1:
            return cls(values[0], None, 1)
        error = statistics.stdev(values) / math.sqrt(count)
        return cls(statistics.fmean(values), _student(confidence, count - 1) * error, count)

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """Its ends; None with a single value."""
        if self.half_width is None:
            return None, None
        return self.mean - self.half_width, self.mean + self.half_width

    def __str__(self) -> str:
        spread = "" if self.half_width is None else f" ± {self.half_width:.2f}"
        return f"{self.mean:.2f}{spread}"


@dataclass(frozen=True)
class Difference:
    """The difference of two means (the second's minus the first's), by Welch's t-test.

    Attributes:
        mean: of the difference.
        half_width: of its confidence interval; None with fewer than two values on a side.
        p: how probable one at least as large is if there is none; None likewise, and where
            neither side has any spread.
    """

    mean: float
    half_width: float | None
    p: float | None

    @classmethod
    def of(
        cls, first: Sequence[float], second: Sequence[float], confidence: float = CONFIDENCE
    ) -> Difference | None:
        """Compare two samples of unequal variances; None if one is empty.

        Source: B. L. Welch, "The generalization of 'Student's' problem when several different
        population variances are involved", Biometrika 34, 1947.
        """
        if not first or not second:
            return None
        mean = statistics.fmean(second) - statistics.fmean(first)
        if min(len(first), len(second)) < 2:
            return cls(mean, None, None)
        parts = [statistics.variance(values) / len(values) for values in (first, second)]
        error = math.sqrt(sum(parts))
        if error == 0:
            return cls(mean, None, None)
        freedom = error**4 / sum(
            part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True)
        )
        from scipy.stats import t

        p = 2 * float(t.sf(abs(mean) / error, freedom))
        return cls(mean, _student(confidence, freedom) * error, p)

    @property
    def significant(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.half_width is not None and abs(self.mean) > self.half_width

    def __str__(self) -> str:
        spread = "" if self.half_width is None else f" ± {self.half_width:.2f}"
        return f"{self.mean:+.2f}{spread}"


def _student(confidence: float, freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + confidence) / 2, freedom))
