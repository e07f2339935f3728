"""Aggregates of the values of several signals."""

import math
import random
import statistics

import pytest

from enas_inr.errors import SpecError
from enas_inr.spec import Aggregate

VALUES = [3.0, 1.0, 10.0, 2.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean", 4.0),
        ("median", 2.5),
        ("worst", 1.0),
        ("quantile=0", 1.0),
        ("quantile=0.5", 2.5),
        ("quantile=1", 10.0),
        ("quantile=0.1", 1.3),
    ],
)
def test_values_by_hand(text, expected):
    assert Aggregate.parse(text).of(VALUES) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "mode", "quantile", "quantile=2", "quantile=x"])
def test_what_is_no_aggregate(text):
    with pytest.raises(SpecError, match="is unknown; write mean, median, worst, or quantile=Q"):
        Aggregate.parse(text)


def test_all_signals_leave_only_what_is_not_known_of_each():
    assert Aggregate().interval([1.0, 5.0], [0.3, 0.4], of=2) == pytest.approx(0.25)
    assert Aggregate(0.0).interval([1.0, 5.0], [0.3, 0.4], of=2) == 0.4
    assert Aggregate().interval([1.0], [0.0], of=2) == math.inf


@pytest.mark.parametrize("text", ["mean", "median"])
def test_an_interval_mostly_holds_the_value_over_all_signals(text):
    draw, rule = random.Random(0), Aggregate.parse(text)
    held = 0
    for _ in range(400):
        every = [draw.gauss(40, 6) for _ in range(32)]
        some = every[:8]
        half = rule.interval(some, [0.0] * 8, of=32)
        held += abs(rule.of(some) - rule.of(every)) <= half
    assert held >= 0.93 * 400


def test_an_interval_is_narrower_with_more_signals():
    draw = random.Random(1)
    every = [draw.gauss(40, 6) for _ in range(64)]
    halves = [Aggregate().interval(every[:n], [0.0] * n, of=64) for n in (4, 16, 48, 64)]
    assert halves == sorted(halves, reverse=True)
    assert halves[-1] == 0.0
    assert statistics.fmean(every) == Aggregate().of(every)
