"""Timers measure the steps, and turns that other programs disturb are repeated."""

import pytest
import torch

from enas_inr.signals.signal import Signal
from enas_inr.training import timing
from enas_inr.training.timing import Turn
from enas_inr.training.workload import CONFIGS, Config, make_job, step_flops

CPU = torch.device("cpu")


def noise(*shape):
    values = torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Signal(values, "image", "noise")


def test_a_disturbed_turn_is_repeated(monkeypatch):
    others = iter([0.0, 9.0, 9.0, 9.0])  # seconds, read before and after a turn
    monkeypatch.setattr(timing, "others_seconds", lambda: next(others))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    taken = iter([5.0, 1.0])
    turn = Turn.take_undisturbed(lambda steps: next(taken), steps=1, patience=60)
    assert turn == Turn(seconds=1.0, others=0.0)


def test_methods_take_turns_and_start_in_another_order_each_round():
    order = []

    def timer(name):
        def seconds(steps):
            order.append(name)
            return 1.0

        return seconds

    turns = timing.measure({name: timer(name) for name in "ab"}, rounds=2, seconds=1.0)
    assert order == [*"aabb", *"ab", *"ba"]  # each is called twice before the first turn
    assert {name: [turn.seconds for turn in taken] for name, taken in turns.items()} == {
        "a": [1.0, 1.0],
        "b": [1.0, 1.0],
    }


def test_a_training_and_a_product_take_time():
    job = make_job(noise(8, 8, 1), Config(2, 0, 4))
    assert timing.train_timer(job, CPU)(1) > 0
    assert timing.matrix_peak(CPU, seconds=0.001, sizes=(16,)) > 0


def test_the_number_of_steps_of_a_turn():
    assert timing.steps_for(1.0, 0.01) == 100
    assert timing.steps_for(1.0, 10.0) == 2
    assert timing.steps_for(1.0, 1e-9) == timing.MOST_STEPS


def test_flops_of_a_step_by_hand():
    job = make_job(noise(16, 16, 3), Config(2, 1, 8))
    assert step_flops(job) == 3 * 2 * (2 * 8 + 8 * 8 + 8 * 3) * 256


def test_cells_of_several_shapes_are_refused():
    with pytest.raises(ValueError, match="does not divide"):
        make_job(noise(9, 8, 3), Config(2, 1, 8))


def test_a_configuration_is_read_as_it_is_written():
    assert Config.parse("4,2,64") == CONFIGS[0]
    assert str(CONFIGS[0]) == "M=4 d=2 w=64"
