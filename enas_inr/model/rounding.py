"""Choose the precision of each leaf, so that storing a model loses little of its quality.

A leaf is stored more finely than the precision of the model says if its rounding costs too much, as
that of the frequencies of a first layer does. The error is measured on outputs of the networks.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import NetShape
from enas_inr.model.file import encode
from enas_inr.model.header import LeafPrecision, ModelHeader, Precision
from enas_inr.model.quantise import quantise, restore
from enas_inr.signals.partition import Convention, cell_coordinates, local_coordinate

MOST_LOSS_DB: Mapping[str, float] = MappingProxyType({"float16": 0.1, "int8": 1.0})
"""The loss of PSNR in dB that rounding to a precision may cause."""

MOST_GROWTH: Mapping[str, float] = MappingProxyType({"float16": 1.5, "int8": 1.1})
"""The size of a file in which leaves are stored more finely, in sizes of the one without them."""

ASSUMED_PSNR_DB = 50.0  # of a model that was not measured
NEGLIGIBLE_DB = 100.0  # PSNR of an error that never counts, at the precision of 16 bits
MACS = 2**31  # multiply-adds of one measurement
LEAST_POINTS, MOST_POINTS = 2**12, 2**16
LEAST_IN_CELL = 4
UNITS_AT_ONCE = 2**22
ATTEMPTS = 5  # errors of several leaves are not exactly the sum of their errors

FINER: Mapping[str, tuple[LeafPrecision, ...]] = MappingProxyType(
    {"int8": ("float16", "int16", "float32"), "float16": ("int16", "float32")}
)


def psnr_of(psnr_db: object) -> float:
    """Return a PSNR of the metrics of a model, or one to assume if it has none."""
    known = isinstance(psnr_db, (int, float)) and math.isfinite(psnr_db)
    return float(str(psnr_db)) if known else ASSUMED_PSNR_DB


@dataclass(frozen=True, eq=False)
class Rounding:
    """The networks of a model, and where they are evaluated.

    Attributes:
        backbone: evaluates the members.
        shape: the shape of each member.
        blocks: the leaves of each block of cells, `cells ...`, on the CPU.
        points: for each block, coordinates in a cell.
        samples: for each block, the number of samples of its cells.
        precision: of the model.
    """

    backbone: Backbone
    shape: NetShape
    blocks: Sequence[Params]
    points: Sequence[Float[Tensor, "_ axes"]]
    samples: Sequence[int]
    precision: Precision

    def stored(
        self, header: ModelHeader, psnr_db: float, *, share: float, most_bytes: int | None
    ) -> ModelHeader:
        """Return the header of a model that says how each leaf is stored.

        Args:
            header: that of the model.
            psnr_db: PSNR of the model before it is rounded.
            share: share of the loss in `MOST_LOSS_DB` that is allowed.
            most_bytes: largest size of the file, if `MOST_GROWTH` allows more.
        """
        plain = header.stored_as(self.precision)
        size = len(encode(plain, self.blocks))
        limit = min(int(size * MOST_GROWTH.get(self.precision, 1)), most_bytes or sys.maxsize)
        extra = limit - size
        while extra > 0:
            finer = self.chosen(psnr_db, share=share, most_extra=extra)
            stored = header.stored_as(self.precision, finer)
            over = len(encode(stored, self.blocks)) - limit
            if over <= 0 or not finer:
                return stored
            extra -= over  # the header has grown as well
        return plain

    def chosen(
        self, psnr_db: float, *, most_extra: int, share: float = 1.0
    ) -> dict[str, LeafPrecision]:
        """Return the leaves to store more finely, with their precisions.

        Args:
            psnr_db: PSNR of the model before it is rounded.
            most_extra: bytes that finer leaves may take in addition.
            share: share of the loss in `MOST_LOSS_DB` that is allowed.
        """
        if self.precision not in FINER:
            return {}
        loss = MOST_LOSS_DB[self.precision] * share
        limit = max(
            4 / 10 ** (psnr_db / 10) * (10 ** (loss / 10) - 1), 4 / 10 ** (NEGLIGIBLE_DB / 10)
        )
        if not (self.error({}) > limit):  # nor if the model has numbers that are not finite
            return {}
        best: tuple[float, dict[str, LeafPrecision]] = (math.inf, {})
        wanted = limit
        for _ in range(ATTEMPTS):
            plan = self._greedy(wanted, most_extra)
            error = self.error(plan)
            best = min(best, (error, plan), key=lambda pair: pair[0])
            if error <= limit:
                break
            wanted *= 0.8 * limit / error
        return best[1]

    def error(self, plan: Mapping[str, LeafPrecision]) -> float:
        """Return the mean squared error of the outputs that rounding causes."""
        total = 0.0
        for leaves, points, exact, samples in zip(
            self.blocks, self.points, self._exact, self.samples, strict=True
        ):
            rounded = {}
            for name, leaf in leaves.items():
                stored = quantise(name, leaf, plan.get(name, self.precision))
                rounded[name] = restore(name, stored, leaf)
            difference = self._outputs(rounded, points) - exact
            total += float(difference.square().mean()) * samples
        error = total / sum(self.samples)
        return error if math.isfinite(error) else math.inf

    def _greedy(self, limit: float, most_extra: int) -> dict[str, LeafPrecision]:
        """Refine the leaves that lose most for each byte until their errors sum to the limit."""
        plan: dict[str, LeafPrecision] = {}
        left = {name: self._alone(name, self.precision) for name in self._leaves}
        extra = 0
        while sum(left.values()) > limit:
            steps = []
            for name in self._leaves:
                now = plan.get(name, self.precision)
                for finer in FINER[self.precision]:
                    more = self._bytes(name, finer) - self._bytes(name, now)
                    if more < 0 or extra + more > most_extra or left[name] < limit / 100:
                        continue
                    gain = left[name] - self._alone(name, finer)
                    if gain > 0:
                        enough = sum(left.values()) - gain <= limit
                        # If one step is enough, the one of the fewest bytes; else the best value.
                        value = 1.0 / max(more, 1) if enough else gain / max(more, 1)
                        steps.append((enough, value, name, finer, more))
            if not steps:
                break
            _, _, name, finer, more = max(steps)
            plan[name], extra = finer, extra + more
            left[name] = self._alone(name, finer)
        return plan

    def _alone(self, name: str, precision: LeafPrecision) -> float:
        """Return the error if only one leaf is rounded."""
        key = name, precision
        if key not in self._known:
            exact: dict[str, LeafPrecision] = dict.fromkeys(self._leaves, "float32")
            exact[name] = precision
            # Finite, so that differences of errors are numbers.
            self._known[key] = min(self.error(exact), 1e30)
        return self._known[key]

    def _bytes(self, name: str, precision: LeafPrecision) -> int:
        """Return the bytes of the stored tensors of a leaf, from their shapes alone."""
        key = name, precision
        if key not in self._sizes:
            blocks = [block[name].to("meta") for block in self.blocks]
            parts = [part for leaf in blocks for part in quantise(name, leaf, precision).values()]
            self._sizes[key] = sum(part.numel() * part.element_size() for part in parts)
        return self._sizes[key]

    @cached_property
    def _known(self) -> dict[tuple[str, LeafPrecision], float]:
        return {}

    @cached_property
    def _sizes(self) -> dict[tuple[str, LeafPrecision], int]:
        return {}

    @cached_property
    def _leaves(self) -> tuple[str, ...]:
        return tuple(self.blocks[0])

    @cached_property
    def _exact(self) -> list[Tensor]:
        return [self._outputs(*pair) for pair in zip(self.blocks, self.points, strict=True)]

    @torch.no_grad()
    def _outputs(
        self, leaves: Params, points: Float[Tensor, "points axes"]
    ) -> Float[Tensor, "cells points channels"]:
        cells = len(next(iter(leaves.values())))
        at_once = max(1, UNITS_AT_ONCE // (len(points) * max(1, self.shape.width)))
        parts = []
        for first in range(0, cells, at_once):
            some = {name: leaf[first : first + at_once] for name, leaf in leaves.items()}
            count = len(next(iter(some.values())))
            x = points.expand(count, *points.shape)
            parts.append(self.backbone.forward(self.shape, some, x))
        return torch.cat(parts)


def sampled(
    shapes: Sequence[tuple[int, ...]],
    cells: Sequence[int],
    macs: int,
    convention: Convention,
    extent: int,
) -> list[Float[Tensor, "_ axes"]]:
    """Return the coordinates of some samples of a cell of each block; always the same ones.

    Args:
        shapes: for each block, the samples of a cell along each axis.
        cells: for each block, the number of its cells.
        macs: multiply-adds to evaluate one sample.
        convention: as in `signals.partition.cell_coordinates`.
        extent: likewise.
    """
    most = min(MOST_POINTS, max(LEAST_POINTS, MACS // max(1, macs)))
    in_cell = max(LEAST_IN_CELL, most // max(1, sum(cells)))
    generator = torch.Generator().manual_seed(0)
    points = []
    for shape in shapes:
        if math.prod(shape) <= in_cell:
            points.append(cell_coordinates(shape, convention, extent=extent))
            continue
        axes = []
        for length in shape:
            drawn = torch.randint(length, (in_cell,), generator=generator, dtype=torch.int64)
            where = drawn.double()
            axes.append(local_coordinate(where, torch.tensor(length), convention, extent).float())
        points.append(torch.stack(axes, dim=-1))
    return points
