"""Backbones with one fault each."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import torch

from enas_inr.backbones.layered import Activation, Layer, LayeredBackbone
from enas_inr.spec import Options
from enas_inr.testing import ToyBackbone


class Right(ToyBackbone):
    """The toy is without faults."""


def stacked(members):
    return {name: torch.stack([leaves[name] for leaves in members]) for name in members[0]}


class SharedStream(Right):
    def init(self, shape, seeds):
        generator = torch.Generator().manual_seed(seeds[0])
        return stacked([self.draw(shape, generator) for _ in seeds])


class SeedBlind(Right):
    def init(self, shape, seeds):
        return super().init(shape, [0] * len(seeds))


class MembersLast(Right):
    def init(self, shape, seeds):
        return {n: leaf.movedim(0, -1) for n, leaf in super().init(shape, seeds).items()}

    def forward(self, shape, params, x):
        return super().forward(shape, {n: p.movedim(-1, 0) for n, p in params.items()}, x)


class Doubles(Right):
    def init(self, shape, seeds):
        return {name: leaf.double() for name, leaf in super().init(shape, seeds).items()}

    def forward(self, shape, params, x):
        return super().forward(shape, params, x.double()).float()


class OneChannel(Right):
    def forward(self, shape, params, x):
        return super().forward(shape, params, x)[..., :1]


class ComplexOutput(Right):
    def forward(self, shape, params, x):
        return super().forward(shape, params, x) + 0j


class Mingling(Right):
    def forward(self, shape, params, x):
        values = super().forward(shape, params, x)
        return values + values.mean(dim=0, keepdim=True)


class Kinked(Right):
    def forward(self, shape, params, x):
        return super().forward(shape, params, x) + (x.sum(2, keepdim=True) * 0).sqrt()


class Idle(Right):
    def init(self, shape, seeds):
        return {**super().init(shape, seeds), "idle": torch.ones(len(seeds), 3)}


class Cheap(Right):
    def cost(self, shape):
        return replace(super().cost(shape), macs_per_sample=1)


class Small(Right):
    def cost(self, shape):
        return replace(super().cost(shape), parameters=1)


class Dead(Right):
    def forward(self, shape, params, x):
        return super().forward(shape, params, x) * 1e-6


class Noisy(Right):
    def forward(self, shape, params, x):
        return super().forward(shape, params, x) + torch.rand(())


class Forgetful(Right):
    drawn: ClassVar[int] = 0

    def __init__(self):
        Forgetful.drawn += 1
        self.shift = Forgetful.drawn

    def forward(self, shape, params, x):
        return super().forward(shape, params, x) + self.shift


class SpeedOptions(Options):
    speed: float = 1.0


class DeafToOptions(Right):
    def __init__(self, options):
        self.options = options


@dataclass(frozen=True)
class Sloped(Activation):
    power: int = 2

    def value(self, z):
        return torch.tanh(z)

    def value_and_slope_(self, z, out):
        torch.tanh(z, out=out)
        z.copy_(1 - out**self.power)


class Unequal(Sloped):
    def __eq__(self, other):
        return False

    __hash__ = None  # type: ignore[assignment]


class Layered(LayeredBackbone):
    activation: ClassVar[Activation] = Sloped()

    def layers(self, shape):
        sizes = [shape.in_features, *[shape.width] * (shape.depth + 1), shape.out_features]
        made = [Layer(i, o, 3 / i**0.5, 1.0, self.activation) for i, o in pairwise(sizes)]
        return (*made[:-1], replace(made[-1], activation=None))


class WrongSlope(Layered):
    activation = Sloped(power=3)


class Mistaken(Sloped):
    def expression(self):
        return "2.0 * z"


class WrongStages(Layered):
    activation = Mistaken()


@dataclass(frozen=True)
class Looped(Sloped):
    greedy: bool = False

    def loop(self):
        def run(z, out):
            slope, value = torch.from_numpy(z), torch.from_numpy(out)
            self.value_and_slope_(slope, value[:, : z.shape[1]])
            if self.greedy:
                value[:, -1] = 0
            else:
                slope *= 2

        return run


class WrongLoop(Layered):
    activation = Looped()


class GreedyLoop(Layered):
    activation = Looped(greedy=True)


class UnequalActivations(Layered):
    activation = Unequal()
