"""Training on a GPU with CUDA agrees with the CPU; skipped where there is none."""

import logging
from dataclasses import replace

import pytest
import torch

from enas_inr.backbones.opaque import Opaque
from enas_inr.backbones.siren import Sine
from enas_inr.errors import warn_once
from enas_inr.spec import TrainingSpec
from enas_inr.training import gpu_loops, graphs
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Optimizer
from enas_inr.training.optimizers.muon import Muon
from enas_inr.training.optimizers.options import MuonOptions
from enas_inr.training.trainer import train
from tests.present import present
from tests.training.test_trainer import BACKBONES, CPU, SHAPE, job, picture

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU with CUDA")

CUDA = torch.device("cuda")
TRAINING = TrainingSpec(steps=100, schedule="cosine")
OPTIMIZERS: dict[str, Optimizer] = {
    "adam": Adam(TRAINING),
    "muon": Muon(TRAINING, MuonOptions()),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("opaque", [False, True], ids=["layered", "general"])
@pytest.mark.parametrize("name", BACKBONES)
def test_losses_are_those_of_the_cpu(name, opaque, optimizer):
    backbone = Opaque(BACKBONES[name]) if opaque else BACKBONES[name]
    one = replace(job(backbone, picture(41, 37)), optimizer=OPTIMIZERS[optimizer])
    (expected,) = train([one], TRAINING, CPU)
    (found,) = train([one], TRAINING, CUDA)
    torch.testing.assert_close(found.losses, expected.losses, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_are_recorded_and_change_nothing(optimizer, monkeypatch, caplog):
    one = replace(job(BACKBONES["siren"]), optimizer=OPTIMIZERS[optimizer])
    recorded = []

    def capture(step, record=graphs.capture):
        recorded.append(step)
        return record(step)

    monkeypatch.setattr(graphs, "capture", capture)
    warn_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        (found,) = train([one], TRAINING, CUDA)
    assert len(recorded) == 1  # one chunk, whose kernel is kept from round to round
    assert not caplog.records
    monkeypatch.setattr(graphs, "recorder", lambda optimizer, device: None)
    (expected,) = train([one], TRAINING, CUDA)
    torch.testing.assert_close(found.losses, expected.losses, rtol=1e-4, atol=1e-7)


def test_shapes_that_are_trained_at_the_same_time_do_not_disturb_each_other():
    one = job(BACKBONES["siren"])
    jobs = [replace(one, shape=replace(SHAPE, width=width)) for width in (8, 16, 24, 32, 40)]
    together = train(jobs, TRAINING, CUDA)
    for each, found in zip(jobs, together, strict=True):
        (alone,) = train([each], TRAINING, CUDA)
        torch.testing.assert_close(found.losses, alone.losses, rtol=1e-3, atol=1e-6)


def test_the_sine_of_triton_is_accurate_on_the_device():
    pytest.importorskip("triton")
    generator = torch.Generator().manual_seed(1)
    numbers = (torch.rand(3, 5, 2003, generator=generator) * 2 - 1) * 1e5
    z, out = numbers.to(CUDA), torch.full((3, 6, 2003), 7.0, device=CUDA)
    present(gpu_loops.loop_of(Sine(), CUDA))(z, out)
    assert (out[:, :-1].cpu().double() - numbers.double().sin()).abs().max() < 2**-23
    assert (z.cpu().double() - numbers.double().cos()).abs().max() < 2**-23
    assert (out[:, -1] == 7).all()
