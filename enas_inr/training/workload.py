"""The configurations on which the speed of the trainer is measured."""

from __future__ import annotations

from dataclasses import dataclass

from enas_inr.backbones.options import SirenOptions
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape
from enas_inr.signals.partition import cut
from enas_inr.signals.signal import Signal
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Job

OMEGA = 30.0
LEARNING_RATE = 1e-4
TRAINING = TrainingSpec(patience=10**9)
"""The settings of the paper, without early stopping."""


@dataclass(frozen=True)
class Config:
    """An architecture: M cells along each axis, d hidden layers of w units."""

    grid: int
    depth: int
    width: int

    @classmethod
    def parse(cls, text: str) -> Config:
        """Read `M,d,w`.

        Raises:
            ValueError: the text is not three integers.
        """
        grid, depth, width = (int(part) for part in text.split(","))
        return cls(grid, depth, width)

    def __str__(self) -> str:
        return f"M={self.grid} d={self.depth} w={self.width}"


CONFIGS = (
    Config(4, 2, 64),
    Config(8, 1, 128),
    Config(16, 1, 128),
    Config(32, 1, 128),
    Config(8, 3, 16),
)


def make_job(signal: Signal, config: Config) -> Job:
    """Return the job to train one SIREN for each cell of a signal.

    Raises:
        ValueError: the cells have different shapes.
    """
    info = signal.info()
    partition = cut(signal.values, (config.grid,) * len(info.shape))
    if len(partition.blocks) > 1:
        raise ValueError(f"a grid of {config.grid} does not divide {info.shape}")
    shape = NetShape(len(info.shape), info.channels, config.depth, config.width)
    options = SirenOptions(omega_first=OMEGA, omega_hidden=OMEGA).resolve(info, config.grid)
    return Job(Siren(options), shape, partition, seeds=(0,), learning_rate=LEARNING_RATE)


def step_flops(job: Job) -> int:
    """Return the FLOPs of a training step: 3 x 2 x multiply-adds x samples.

    These are the forward pass, the gradient of the weights and the gradient of the inputs. The
    latter is also counted for the first layer, although no kernel computes it. Biases, activations
    and the optimizer are not counted.
    """
    macs = job.backbone.cost(job.shape).macs_per_sample
    return 3 * 2 * macs * job.partition.samples * len(job.seeds)
