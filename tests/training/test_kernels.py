"""Every kernel follows plain autograd and a plain optimizer for a hundred steps."""

from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch

from enas_inr.backbones.layered import LayeredBackbone
from enas_inr.backbones.opaque import Opaque
from enas_inr.cost import NetShape
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.partition import cut
from enas_inr.spec import SignalInfo, TrainingSpec
from enas_inr.training import chunks, compiled_kernel, loops
from enas_inr.training.batch import Job
from enas_inr.training.optimizers.muon import COEFFICIENTS, SMALLEST_NORM
from enas_inr.training.optimizers.options import MuonOptions
from enas_inr.training.trainer import train
from tests.present import present
from tests.training.test_trainer import CPU, picture, plain_adam, trained_alone

STEPS = 100
SHAPE = NetShape(in_features=2, out_features=3, depth=2, width=12)
RATE = 1e-4  # at high rates, rounding alone changes the losses of some backbones by more than 1e-4
VALUES = picture(9, 18)
TILE = 41  # cells of 81 samples have tiles of 40 and 41
TRAINING = TrainingSpec(steps=STEPS)
CATALOG = load_catalog()
MUON = MuonOptions()


@dataclass
class PlainMuon:
    """Muon of one member: momentum of each hidden matrix, orthogonalised; Adam for the rest."""

    leaves: list[torch.Tensor]
    rate: float

    def __post_init__(self):
        def hidden(leaf):
            return leaf.shape[1:] == (SHAPE.width, SHAPE.width) and not leaf.is_complex()

        self.hidden = [leaf for leaf in self.leaves if hidden(leaf)]
        self.momenta = [torch.zeros_like(leaf[0]) for leaf in self.hidden]
        self.adam = plain_adam([leaf for leaf in self.leaves if not hidden(leaf)], self.rate)

    def zero_grad(self):
        for leaf in self.leaves:
            leaf.grad = None

    @torch.no_grad()
    def step(self):
        for leaf, momentum in zip(self.hidden, self.momenta, strict=True):
            gradient = present(leaf.grad)[0]
            momentum *= MUON.momentum
            momentum += (1 - MUON.momentum) * gradient
            nesterov = MUON.momentum * momentum + (1 - MUON.momentum) * gradient
            leaf[0] -= self.rate * MUON.factor * orthogonal(nesterov)
        self.adam.step()


def orthogonal(matrix):
    a, b, c = COEFFICIENTS
    x = matrix / (torch.linalg.norm(matrix) + SMALLEST_NORM)
    for _ in range(MUON.iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


PLAIN = {"adam": plain_adam, "muon": PlainMuon}


@pytest.fixture(autouse=True)
def one_thread(threads):
    """Put both members into one chunk; two threads would take one each."""
    threads(1)


def job(backbone, optimizer):
    """Two members, one for each half of a picture."""
    info = SignalInfo(name="noise", modality="image", shape=VALUES.shape[:2], channels=3)
    options = CATALOG.resolved_options("backbone", backbone, {}, info, 2)
    made = CATALOG.construct("backbone", backbone, options=options)
    update = CATALOG.construct("optimizer", optimizer, TRAINING, options={})
    return Job(made, SHAPE, cut(VALUES, (1, 2)), (10,), RATE, update)


@cache
def plain_losses(backbone, optimizer):
    """The mean losses of the members if each is trained alone."""
    one = job(backbone, optimizer)
    alone = [trained_alone(one, 0, cell, STEPS, optimizer=PLAIN[optimizer])[0] for cell in (0, 1)]
    return torch.tensor(alone).double().mean(dim=0)


@pytest.mark.parametrize("optimizer", PLAIN)
@pytest.mark.parametrize("kernel", ["compiled", "compiled loops", "torch", "autograd"])
@pytest.mark.parametrize("backbone", ["siren", "relu", "fourier", "finer", "gauss", "wire"])
def test_losses_are_those_of_plain_autograd(backbone, kernel, optimizer, monkeypatch):
    if backbone not in {d.name for d in CATALOG.descriptions("backbone")}:
        pytest.skip(f"the package of {backbone} is not installed")
    one = job(backbone, optimizer)
    layered = isinstance(one.backbone, LayeredBackbone)
    if not layered and kernel != "autograd":
        pytest.skip(f"{backbone} is not layered")
    if kernel.startswith("compiled") and not loops.available():
        pytest.skip("the loops cannot be compiled")
    if kernel == "compiled loops":
        monkeypatch.setattr(compiled_kernel, "compiled_loops", lambda *_: None)
    if kernel == "torch":
        monkeypatch.setattr(loops, "available", lambda: False)
    if kernel == "autograd" and layered:
        one = replace(one, backbone=Opaque(one.backbone))
    monkeypatch.setattr(chunks, "CPU_TILE", TILE)
    monkeypatch.setattr(compiled_kernel, "TILE", TILE)
    (outcome,) = train([one], TRAINING, CPU)
    torch.testing.assert_close(
        outcome.losses[0], plain_losses(backbone, optimizer), rtol=1e-4, atol=0
    )
