"""The compiled loops of a training step agree with torch, and are optional."""

import logging
from dataclasses import dataclass

import numpy as np
import torch

from enas_inr.backbones.layered import Activation
from enas_inr.spec import TrainingSpec
from enas_inr.training import loops
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Numbers, Step

ADAM = Adam(TrainingSpec())


def numbers_of(flat: torch.Tensor) -> Numbers:
    return Numbers(flat, (), members=1)


def drawn(count=1003) -> Numbers:
    return numbers_of(torch.randn(count, generator=torch.Generator().manual_seed(1)))


def gradients(numbers=1003):
    generator = torch.Generator().manual_seed(2)
    for power in [-9, 2, -3, 0, -6]:
        gradient = torch.randn(numbers, generator=generator) * 10.0**power
        gradient[::7] = 0  # a number whose moments are all zero stays where it is
        yield gradient


def test_adam_is_torchs(monkeypatch):
    ours, theirs = drawn(), drawn()
    our_state, their_state = ADAM.start(ours), ADAM.start(theirs)
    for number, gradient in enumerate(gradients(), start=1):
        ADAM.update_(ours, numbers_of(gradient), our_state, Step(number, 1e-3))
        with monkeypatch.context() as patched:
            patched.setattr(loops, "available", lambda: False)
            ADAM.update_(theirs, numbers_of(gradient), their_state, Step(number, 1e-3))
    # Rounding is relative to what was added (a step of 1e-3, or the largest gradient), even where
    # the sum is nearly zero.
    torch.testing.assert_close(ours.flat, theirs.flat, rtol=1e-6, atol=1e-9)
    for name, state in our_state.items():
        largest = their_state[name].abs().max().item()
        torch.testing.assert_close(state, their_state[name], rtol=1e-6, atol=1e-6 * largest)


def test_adam_passes_on_what_is_no_number():
    one, gradient = drawn(20), torch.zeros(20)
    gradient[3] = torch.nan
    ADAM.update_(one, numbers_of(gradient), ADAM.start(one), Step(1, 1e-3))
    assert one.flat.isnan().nonzero().flatten().tolist() == [3]


@dataclass(frozen=True)
class Failing(Activation):
    def value(self, z):
        return z

    def value_and_slope_(self, z, out):
        out.copy_(z)
        z.fill_(1)

    def loop(self):
        def fails(z, out):
            raise ValueError("what a pity")

        setattr(fails, "py_func", fails)  # noqa: B010 - as if it were compiled
        return fails


class InPython(Failing):
    def loop(self):
        return lambda z, out: None


class Raising(Failing):
    def loop(self):
        raise RuntimeError("no loop today")


def test_an_activation_that_fails_to_give_its_loop_is_left_to_torch(caplog):
    with caplog.at_level(logging.WARNING):
        assert loops.loop_of(Raising()) is None
    assert "no loop today" in caplog.text


def test_a_loop_that_fails_or_is_not_compiled_is_not_used(caplog):
    with caplog.at_level(logging.WARNING):
        assert loops.loop_of(Failing()) is None
        assert loops.loop_of(InPython()) is None
    (record,) = caplog.records
    assert "torch computes Failing" in record.message
    assert "what a pity" in record.message


def test_a_product_is_made_in_place():
    numbers, factors = np.full((2, 3, 5), 3, np.float32), np.full((2, 3, 5), 2, np.float32)
    loops.multiply_(numbers, factors)
    assert (numbers == 6).all()
