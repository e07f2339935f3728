"""Loops for GPUs are optional: without Triton, torch does everything."""

import logging
from dataclasses import dataclass

import pytest
import torch

from enas_inr.backbones.layered import Activation
from enas_inr.backbones.siren import Sine
from enas_inr.errors import warn_once
from enas_inr.training import gpu_loops
from tests.training.test_trainer import CPU

META, CUDA = torch.device("meta"), torch.device("cuda")


@dataclass(frozen=True)
class Doubling(Activation):
    error: str = ""

    def value(self, z):
        return 2 * z

    def value_and_slope_(self, z, out):
        torch.mul(z, 2, out=out)
        z.fill_(2)

    def gpu_loop(self):
        if self.error == "absent":
            raise ImportError("No module named 'triton'")

        def loop(z, out):
            if self.error:
                raise RuntimeError(self.error)

        return loop


@pytest.fixture(autouse=True)
def no_device(monkeypatch):
    """Tensors of a GPU are on no device at all."""
    gpu_loops.loop_of.cache_clear()
    warn_once.cache_clear()
    ones = torch.ones
    monkeypatch.setattr(torch, "ones", lambda *shape, device: ones(*shape, device=META))
    yield
    gpu_loops.loop_of.cache_clear()


def test_a_loop_that_works_is_used():
    assert gpu_loops.loop_of(Doubling(), CUDA) is not None


def test_other_devices_have_no_loops():
    assert gpu_loops.loop_of(Sine(), CPU) is None
    assert gpu_loops.loop_of(Doubling(), torch.device("mps")) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [("absent", "two passes: ImportError: No module"), ("what a pity", "torch computes Doubling")],
)
def test_a_loop_that_fails_is_not_used_and_this_is_said_once(error, said, caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            gpu_loops.loop_of.cache_clear()
            assert gpu_loops.loop_of(Doubling(error), CUDA) is None
    (record,) = caplog.records
    assert said in record.message


def test_a_full_memory_is_not_the_fault_of_the_loop():
    with pytest.raises(RuntimeError, match="out of memory"):
        gpu_loops.loop_of(Doubling("CUDA error: out of memory"), CUDA)
