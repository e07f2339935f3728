"""The compiled kernel trains as torch's kernel does, and leaves to that what it cannot train."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from enas_inr.backbones.layered import Activation, LayeredBackbone
from enas_inr.backbones.loops import compiled, sine_loop
from enas_inr.cost import NetShape
from enas_inr.spec import TrainingSpec
from enas_inr.training import compiled_kernel, loops
from enas_inr.training.batch import make_batches
from enas_inr.training.layered_kernel import LayeredKernel
from enas_inr.training.network import address_of
from enas_inr.training.trainer import train
from tests.present import present
from tests.training.test_trainer import BACKBONES, CPU, job, picture

TRAINING = TrainingSpec(steps=30)
SHAPES = [(0, 8), (1, 5), (1, 24), (2, 17), (4, 16)]  # depth and width

pytestmark = pytest.mark.skipif(not loops.available(), reason="the loops cannot be compiled")


@compiled
def squared(factor, z, out):
    for member in range(z.shape[0]):
        for feature in range(z.shape[1]):
            for point in range(z.shape[2]):
                number = z[member, feature, point]
                out[member, feature, point] = factor * number * number
                z[member, feature, point] = np.float32(2) * factor * number


@dataclass(frozen=True)
class Square(Activation):
    """An activation whose loop has a number, and which is not zero at zero."""

    factor: float = 0.5

    def value(self, z):
        return self.factor * z.square()

    def value_and_slope_(self, z, out):
        out.copy_(self.value(z))
        z.mul_(2 * self.factor)

    def loop(self):
        return partial(squared, np.float32(self.factor))


@dataclass(frozen=True)
class Interpreted(Square):
    def loop(self):
        return None


@dataclass(frozen=True)
class Squared(LayeredBackbone):
    """ReLU networks with another activation."""

    activation: Activation

    def layers(self, shape):
        layers = BACKBONES["relu"].layers(shape)
        return tuple(
            replace(layer, activation=layer.activation and self.activation) for layer in layers
        )


def kernel_of(backbone):
    """The kind of the kernel that trains a backbone."""
    (batch,) = make_batches([job(backbone)], TRAINING, CPU, workspace=2**20)
    return type(batch.make_kernel())


@pytest.mark.parametrize("backbone", [*BACKBONES.values(), Squared(Square())], ids=repr)
@pytest.mark.parametrize(("depth", "width"), SHAPES)
def test_members_become_what_torch_makes_of_them(backbone, depth, width, monkeypatch):
    shape = NetShape(in_features=2, out_features=3, depth=depth, width=width)
    one = job(backbone, picture(18, 15), shape=shape)  # 63 to 72 samples in a cell
    monkeypatch.setattr(compiled_kernel, "TILE", 32)
    (ours,) = train([one], TRAINING, CPU, keep_params=True)
    monkeypatch.setattr(compiled_kernel, "compiled_loops", lambda *_: None)
    (theirs,) = train([one], TRAINING, CPU, keep_params=True)
    torch.testing.assert_close(ours.losses, theirs.losses, rtol=1e-4, atol=0)
    for mine, other in zip(ours.params, theirs.params, strict=True):
        for name, leaf in mine.items():
            torch.testing.assert_close(leaf, other[name], rtol=1e-2, atol=2e-4)


@pytest.mark.parametrize("channels", [1, 4, 9])
def test_all_numbers_of_channels_train(channels, monkeypatch):
    shape = NetShape(in_features=2, out_features=channels, depth=1, width=12)
    one = job(BACKBONES["siren"], picture(channels=channels), shape=shape)
    (ours,) = train([one], TRAINING, CPU)
    monkeypatch.setattr(compiled_kernel, "compiled_loops", lambda *_: None)
    (theirs,) = train([one], TRAINING, CPU)
    torch.testing.assert_close(ours.losses, theirs.losses, rtol=1e-4, atol=0)


def test_torch_trains_activations_without_a_loop():
    assert kernel_of(Squared(Square())) is compiled_kernel.CompiledKernel
    assert kernel_of(Squared(Interpreted())) is LayeredKernel


def test_torch_encodes_coordinates_whose_features_are_many(monkeypatch):
    assert kernel_of(BACKBONES["fourier"]) is compiled_kernel.CompiledKernel
    monkeypatch.setattr(compiled_kernel, "MOST_ENCODED_BYTES", 36 * 12 * 4 - 1)
    assert kernel_of(BACKBONES["fourier"]) is LayeredKernel
    assert kernel_of(BACKBONES["siren"]) is compiled_kernel.CompiledKernel


def test_compiled_code_calls_loops_with_one_number_at_most():
    assert np.isnan(present(address_of(sine_loop)).number)
    assert present(address_of(partial(squared, np.float32(0.5)))).number == 0.5
    assert address_of(partial(squared, np.float32(1), None)) is None
    assert address_of(partial(squared, factor=np.float32(1))) is None
    assert address_of(lambda z, out: None) is None
    needs_a_number: Any = squared
    assert address_of(needs_a_number) is None


def test_torch_trains_where_the_step_cannot_be_compiled(monkeypatch, caplog):
    def failing(*_):
        raise ValueError("no such intrinsic")

    compiled_kernel.available.cache_clear()
    monkeypatch.setattr(compiled_kernel, "adam_steps_", failing)
    try:
        assert kernel_of(BACKBONES["siren"]) is LayeredKernel
        assert "torch trains layered networks, which is slower" in caplog.text
        assert "no such intrinsic" in caplog.text
    finally:
        compiled_kernel.available.cache_clear()
