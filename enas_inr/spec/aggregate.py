"""How the values of the signals of a set become one value."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from enas_inr.errors import SpecError

__all__ = ["Aggregate"]

QUANTILES = {"median": 0.5, "worst": 0.0}

Z = 2.5  # standard errors of an interval, as in `enas_inr.estimate`
STUDENT = (12.7, 4.3, 3.18, 2.78, 2.57)
"""Quantiles of Student's distribution for intervals of 95%, with 1, 2, ... degrees of freedom."""
DRAWS = 200  # of a bootstrap


@dataclass(frozen=True)
class Aggregate:
    """An aggregate of values of several signals, of which larger ones are better.

    Attributes:
        quantile: which quantile it is, from 0 for the worst signal to 1; None for the mean.
    """

    quantile: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `mean`, `median`, `worst` or `quantile=0.1`.

        Raises:
            SpecError: the text is none of these.
        """
        if text == "mean":
            return cls()
        name, _, share = text.partition("=")
        try:
            quantile = float(share) if name == "quantile" else QUANTILES[text]
        except (KeyError, ValueError):
            quantile = math.nan
        if not 0 <= quantile <= 1:
            raise SpecError(
                f"aggregate {text!r} is unknown",
                "write mean, median, worst, or quantile=Q with Q from 0 to 1",
            )
        return cls(quantile)

    def of(self, values: Sequence[float]) -> float:
        """Return the aggregate of at least one value."""
        if self.quantile is None:
            return statistics.fmean(values)
        ordered = sorted(values)
        place = self.quantile * (len(ordered) - 1)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    def interval(self, values: Sequence[float], halves: Sequence[float], of: int) -> float:
        """Return half the width of the 95% interval of the aggregate over all signals of a set.

        The signals are taken as drawn at random, and each value as known up to an interval of its
        own, as in sampling in two stages (Cochran, Sampling Techniques, 1977, section 11.5). The
        interval of a quantile is from a bootstrap over the signals.

        Args:
            values: value of each signal that was trained.
            halves: half the width of the interval of each of them.
            of: number of all signals.
        """
        count = len(values)
        share = count / of
        if self.quantile is None:
            within = math.sqrt(share * math.fsum(half * half for half in halves)) / count
        else:
            within = max(halves)
        if count == of:
            return within
        if count < 2:
            return math.inf
        if self.quantile is None:
            error = statistics.stdev(values) / math.sqrt(count)
        else:
            draw = random.Random(count)
            drawn = [self.of(draw.choices(values, k=count)) for _ in range(DRAWS)]
            error = statistics.stdev(drawn)
        factor = max(Z, STUDENT[min(count - 2, len(STUDENT) - 1)])
        return math.hypot(factor * math.sqrt(1 - share) * error, within)
