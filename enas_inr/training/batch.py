"""Batches: the members that one kernel can train together, drawn and cut into chunks.

A member is one sub-network: of one job (an architecture on a signal), one repeat and one cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.backbones.layered import Layer, LayeredBackbone
from enas_inr.cost import NetShape
from enas_inr.plugins.guard import guarded_like
from enas_inr.signals.partition import Partition, cell_coordinates
from enas_inr.spec import TrainingSpec
from enas_inr.training import autograd_kernel as general
from enas_inr.training import layered_kernel as layered
from enas_inr.training.chunks import plan_chunks
from enas_inr.training.kernel import AdamSettings, BlockData, ChunkState, Kernel
from enas_inr.training.packing import LayeredPacking, LeafPacking, Packing


@dataclass(frozen=True, eq=False)
class Job:
    """One architecture on one signal, trained once for each seed.

    Attributes:
        seeds: one for each repeat.
    """

    backbone: Backbone
    shape: NetShape
    partition: Partition
    seeds: tuple[int, ...]
    learning_rate: float


@dataclass(frozen=True)
class Member:
    """Which sub-network: the job's number, the repeat, and the cell's row in its block."""

    job: int
    repeat: int
    cell: int


@dataclass(frozen=True, eq=False)
class Batch:
    """Members that one kernel trains: equal networks on cells of one block.

    Attributes:
        block: the block's index in the partition.
        points: samples that each member is trained on.
        share: of its cell in the signal's samples, and so of its loss in the signal's.
        packing: how the chunks' numbers lie.
        make_kernel: allocates the scratch memory of a worker; called anew each round, so that
            only one batch holds any.
        chunks: the members' states, in the order of `members`.
    """

    block: int
    points: int
    share: float
    members: tuple[Member, ...]
    packing: Packing
    make_kernel: Callable[[], Kernel]
    chunks: tuple[ChunkState, ...]

    def by_chunk(self) -> Iterator[tuple[ChunkState, tuple[Member, ...], slice]]:
        """Each chunk with its members, and their place among all."""
        start = 0
        for chunk in self.chunks:
            place = slice(start, start + chunk.members)
            yield chunk, self.members[place], place
            start += chunk.members


def derived_seed(*path: int) -> int:
    """A seed for one branch of a tree of seeds: (study, repeat), then (repeat's, cell)."""
    return int(np.random.SeedSequence(path).generate_state(1, np.uint64)[0] >> np.uint64(1))


def make_batches(
    jobs: Sequence[Job],
    training: TrainingSpec,
    device: torch.device,
    workspace: int,
    workers: int = 1,
) -> list[Batch]:
    """Gather the members that can be trained together, and draw them.

    Args:
        jobs: the architectures; equal partitions must be one object.
        training: the settings they share.
        device: where they are trained.
        workspace: bytes that a chunk should fill.
        workers: how many chunks are trained side by side.
    """
    groups: dict[tuple[Hashable, int, int, float], list[Member]] = {}
    for number, job in enumerate(jobs):
        for index, block in enumerate(job.partition.blocks):
            group = (_network(job), id(job.partition), index, job.learning_rate)
            groups.setdefault(group, []).extend(
                Member(number, repeat, cell)
                for repeat in range(len(job.seeds))
                for cell in range(len(block.cells))
            )
    return [
        _make_batch(jobs, block, members, training, device, workspace, workers)
        for (_, _, block, _), members in groups.items()
    ]


def _layers(job: Job) -> tuple[Layer, ...] | None:
    """The layers of a network that the layered kernel can train, else None."""
    if not isinstance(job.backbone, LayeredBackbone):
        return None
    layers = job.backbone.layers(job.shape)
    return layers if layered.supports(layers) else None


def _network(job: Job) -> Hashable:
    """What two jobs' networks must have in common: what they compute, not how they start."""
    layers = _layers(job)
    if layers is None or not isinstance(job.backbone, LayeredBackbone):
        return id(job)
    kinds = tuple((la.in_features, la.out_features, la.activation, la.scale) for la in layers)
    return type(job.backbone.encoding), kinds


def _make_batch(
    jobs: Sequence[Job],
    index: int,
    members: list[Member],
    training: TrainingSpec,
    device: torch.device,
    workspace: int,
    workers: int,
) -> Batch:
    job = jobs[members[0].job]
    block = job.partition.blocks[index]
    coordinates = cell_coordinates(
        block.shape, training.coordinates, margin=job.partition.margin, extent=training.extent
    )
    data = BlockData(coordinates.to(device), block.values.to(device))
    points = len(coordinates)
    settings = AdamSettings(job.learning_rate, training.betas, training.epsilon)
    layers = _layers(job)
    packing = (
        LayeredPacking(layers) if layers else LeafPacking.of(_draw(jobs, index, members[:1])[0])
    )

    def member_bytes(tile: int) -> int:
        if layers:
            return layered.member_bytes(layers, points, tile)
        return general.member_bytes(packing, job.shape, tile)

    plan = plan_chunks(len(members), points, member_bytes, workspace, device, workers)

    def make_kernel() -> Kernel:
        kernel: Kernel
        if layers and isinstance(job.backbone, LayeredBackbone):
            kernel = layered.LayeredKernel(job.backbone.encoding, layers, data, settings, plan)
        else:
            kernel = general.GeneralKernel(job.backbone, job.shape, packing, data, settings, plan)
        # Activations and gradients of the backbone fail there, outside all its methods.
        return guarded_like(job.backbone, kernel)

    def start(chunk: list[Member]) -> ChunkState:
        cells = torch.tensor([member.cell for member in chunk], device=device)
        return ChunkState.start(packing, *_draw(jobs, index, chunk), cells)

    chunks = tuple(
        start(members[i : i + plan.members]) for i in range(0, len(members), plan.members)
    )
    share = math.prod(block.shape) / job.partition.samples
    return Batch(index, points, share, tuple(members), packing, make_kernel, chunks)


def _draw(
    jobs: Sequence[Job], index: int, members: list[Member]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw members, which come job by job: the trained leaves and the constant ones."""
    parts: list[Params] = []
    for number in dict.fromkeys(member.job for member in members):
        job = jobs[number]
        cells = job.partition.blocks[index].cells
        seeds = [
            derived_seed(job.seeds[member.repeat], cells[member.cell])
            for member in members
            if member.job == number
        ]
        parts.append(job.backbone.init(job.shape, seeds))
    trained = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    constants = {name: trained.pop(name) for name in jobs[members[0].job].backbone.constants}
    return trained, constants
