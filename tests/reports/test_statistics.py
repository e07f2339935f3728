import math

import pytest

from enas_inr.reports.statistics import Difference, Estimate
from tests.present import present


def test_the_interval_of_three_values_by_hand():
    estimate = present(Estimate.of([1.0, 2.0, 3.0]))
    assert estimate.mean == 2
    assert estimate.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)  # t(0.975, 2)
    assert estimate.interval == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-5)
    assert str(estimate) == "2.00 ± 2.48"


def test_one_value_says_nothing_about_the_spread():
    estimate = present(Estimate.of([7.0]))
    assert (estimate.mean, estimate.half_width, estimate.interval) == (7.0, None, (None, None))
    assert str(estimate) == "7.00"
    assert Estimate.of([]) is None


def test_welch_by_hand():
    """Variances 1 and 4 over 3 and 4 values: error, degrees of freedom and t by the formulas."""
    first, second = [1.0, 2.0, 3.0], [4.0, 4.0, 6.0, 8.0]
    variances = 1 / 3, (11 / 3) / 4
    error = math.sqrt(sum(variances))
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 2 + variances[1] ** 2 / 3)
    difference = present(Difference.of(first, second))
    assert difference.mean == pytest.approx(3.5)
    from scipy.stats import ttest_ind

    tested = ttest_ind(second, first, equal_var=False)
    assert difference.p == pytest.approx(tested.pvalue)
    assert tested.df == pytest.approx(freedom)
    low, high = tested.confidence_interval()
    assert difference.mean - present(difference.half_width) == pytest.approx(low)
    assert difference.mean + present(difference.half_width) == pytest.approx(high)
    assert tested.statistic == pytest.approx(3.5 / error)


def test_significance_is_zero_outside_of_the_interval_is_p_below_five_percent():
    near = present(Difference.of([0, 1, 2], [1, 2, 3]))
    far = present(Difference.of([0, 1, 2], [9, 10, 11]))
    assert (near.significant, present(near.p) < 0.05) == (False, False)
    assert (far.significant, present(far.p) < 0.05) == (True, True)
    assert present(Difference.of([1.0, 2.0], [1.0, 2.0])).p == pytest.approx(1)


@pytest.mark.parametrize(("first", "second"), [([1.0], [2.0, 3.0]), ([1.0, 2.0], [3.0])])
def test_a_single_value_on_a_side_is_no_test(first, second):
    difference = present(Difference.of(first, second))
    assert (difference.half_width, difference.p, difference.significant) == (None, None, False)
    assert Difference.of([], second) is None


def test_values_without_spread():
    """Equal to the last bit, as of an exact fit: no test can be made of that."""
    for second in ([1.0, 1.0], [2.0, 2.0]):
        difference = present(Difference.of([1.0, 1.0], second))
        assert (difference.half_width, difference.p, difference.significant) == (None, None, False)


@pytest.mark.filterwarnings("error")
def test_one_side_without_spread_is_tested_by_the_other():
    difference = present(Difference.of([2.0, 2.0, 2.0], [2.0, 3.0, 4.0]))
    assert difference.mean == 1
    assert difference.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)  # t(0.975, 2)
