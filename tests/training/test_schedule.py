"""The factor of the learning rate at each step."""

import itertools

import pytest

from enas_inr.spec import TrainingSpec
from enas_inr.training.schedule import rate_factor, steps_of


def factors(total, **settings):
    return [step.rate for step in steps_of(TrainingSpec(**settings), 1, total, total)]


def test_the_paper_keeps_its_rate():
    assert factors(5) == [1.0] * 5


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_falling_rate_begins_at_one_and_ends_just_above_zero(schedule):
    rates = factors(10, schedule=schedule)
    assert rates[0] == 1.0
    assert all(one > other for one, other in itertools.pairwise(rates))
    assert 0 < rates[-1] < 0.11


def test_half_way_both_are_at_a_half():
    for schedule in ("cosine", "linear"):
        assert rate_factor(TrainingSpec(schedule=schedule), 6, 10) == pytest.approx(0.5)


def test_a_warm_up_rises_in_equal_steps_and_then_the_schedule_begins():
    assert factors(8, warmup=0.25) == pytest.approx([1 / 3, 2 / 3, 1, 1, 1, 1, 1, 1])
    rates = factors(8, warmup=0.25, schedule="linear")
    assert rates[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert rates[3:] == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])


def test_steps_do_not_depend_on_the_rounds():
    spec = TrainingSpec(schedule="cosine", warmup=0.1)
    assert steps_of(spec, 1, 4, 9) + steps_of(spec, 5, 5, 9) == steps_of(spec, 1, 9, 9)
