"""Batches of members that one kernel can train together, divided into chunks.

A member is the sub-network of one job (an architecture on a signal), one repeat and one cell. It
starts from what is drawn by its seed, or from leaves that the job brings.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

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
from enas_inr.training import compiled_kernel as compiled
from enas_inr.training import layered_kernel as layered
from enas_inr.training.chunks import ChunkPlan, plan_chunks
from enas_inr.training.kernel import BlockData, ChunkState, Kernel, UpdateRule
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Optimizer
from enas_inr.training.packing import LayeredPacking, LeafPacking, Packing

RETRY_DIVISOR = 4  # of the learning rate, after a divergence

MakeKernel = Callable[[BlockData, UpdateRule, ChunkPlan], Kernel]


@dataclass(frozen=True, eq=False)
class Job:
    """One architecture on one signal, trained once for each seed.

    Attributes:
        backbone: the kind of sub-network.
        shape: shape of each sub-network.
        partition: the signal, cut into cells.
        seeds: a seed for each repeat.
        learning_rate: learning rate, which the schedule multiplies by a factor.
        optimizer: updates the members; None for Adam.
        retried: whether it replaces a job that has diverged (see `Job.slower`).
        initial: leaves of all cells of the grid, `cells ...` in row-major order and with constants,
            from which every repeat starts; None to draw each member from its seed.
    """

    backbone: Backbone
    shape: NetShape
    partition: Partition
    seeds: tuple[int, ...]
    learning_rate: float
    optimizer: Optimizer | None = None
    retried: bool = False
    initial: Params | None = None

    def slower(self) -> Job:
        """Return the job to train after this one has diverged: the same at a lower rate."""
        return replace(self, learning_rate=self.learning_rate / RETRY_DIVISOR, retried=True)


@dataclass(frozen=True)
class Member:
    """Identifies a sub-network by the number of the job, the repeat, and the row in the block."""

    job: int
    repeat: int
    cell: int


@dataclass(frozen=True, eq=False)
class Batch:
    """Members that one kernel trains, which are equal networks on cells of one block.

    Attributes:
        block: index of the block in the partition of each of its jobs.
        points: number of samples on which each member is trained.
        share: share of a cell in the samples of the signal, and so of its loss in the total loss.
        members: the members, job by job.
        packing: memory layout of the numbers of a chunk.
        make_kernel: makes a kernel with the scratch memory of a worker. Each worker keeps the
            kernel of one batch at a time, so that the others hold no scratch memory.
        chunks: states of the members, in the order of `members`.
    """

    block: int
    points: int
    share: float
    members: tuple[Member, ...]
    packing: Packing
    make_kernel: Callable[[], Kernel]
    chunks: tuple[ChunkState, ...]

    def of(self, job: int) -> slice:
        """Return the slice of `members` that belong to a job."""
        return self._slices.get(job, slice(0))

    @cached_property
    def _slices(self) -> dict[int, slice]:
        counts = Counter(member.job for member in self.members)
        ends = accumulate(counts.values())
        return {
            job: slice(end - count, end)
            for (job, count), end in zip(counts.items(), ends, strict=True)
        }

    def by_chunk(self) -> Iterator[tuple[ChunkState, tuple[Member, ...], slice]]:
        """Iterate over the chunks with their members and the slice of `members` that they are."""
        start = 0
        for chunk in self.chunks:
            place = slice(start, start + chunk.members)
            yield chunk, self.members[place], place
            start += chunk.members


def derived_seed(*path: int) -> int:
    """Derive a seed from a path of numbers: (seed of the study, repeat), (seed of that, cell)."""
    return int(np.random.SeedSequence(path).generate_state(1, np.uint64)[0] >> np.uint64(1))


def make_batches(
    jobs: Sequence[Job],
    training: TrainingSpec,
    device: torch.device,
    workspace: int,
    workers: int = 1,
) -> list[Batch]:
    """Group the members that can be trained together, and initialise them.

    Members on several signals share a batch where their cells have the same shape.

    Args:
        jobs: the architectures. Jobs with equal partitions should share one object, so that their
            cells are held once.
        training: the training settings of all jobs.
        device: where the members are trained.
        workspace: target size of a chunk in bytes.
        workers: number of chunks that are trained side by side.
    """
    groups: dict[tuple[int, Hashable], list[Member]] = {}
    for number, job in enumerate(jobs):
        for index, block in enumerate(job.partition.blocks):
            share = math.prod(block.shape) / job.partition.samples
            cells = block.shape, job.partition.margin, share
            group = _network(job), cells, job.learning_rate
            groups.setdefault((index, group), []).extend(
                Member(number, repeat, cell)
                for repeat in range(len(job.seeds))
                for cell in range(len(block.cells))
            )
    return [
        _make_batch(jobs, index, members, training, device, workspace, workers)
        for (index, _), members in groups.items()
    ]


def _layers(job: Job) -> tuple[Layer, ...] | None:
    """Return the layers of a network if the layered kernel can train it, or None."""
    if not isinstance(job.backbone, LayeredBackbone):
        return None
    layers = job.backbone.layers(job.shape)
    return layers if layered.supports(layers) else None


def _network(job: Job) -> Hashable:
    """Return a key that is equal for networks with the same function, however initialised."""
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
    partitions = {id(p): p for p in (jobs[m.job].partition for m in members)}
    values = [partition.blocks[index].values for partition in partitions.values()]
    targets = torch.cat(values) if len(values) > 1 else values[0]
    firsts = accumulate((len(part) for part in values[:-1]), initial=0)
    first = dict(zip(partitions, firsts, strict=True))  # row of the first cell of a partition
    data = BlockData(coordinates.to(device), targets.to(device))
    points = len(coordinates)
    optimizer = job.optimizer or Adam(training)
    rule = UpdateRule(optimizer, job.learning_rate)
    layers = _layers(job)
    packing = (
        LayeredPacking(layers) if layers else LeafPacking.of(_draw(jobs, index, members[:1])[0])
    )

    state = _state_bytes(optimizer, packing)
    member_bytes, make = _kernel_of(job, packing, points, state, device)
    side_by_side = workers if device.type == "cpu" else 1  # on a GPU, batches are, not chunks
    plan = plan_chunks(len(members), points, member_bytes, workspace, device, side_by_side)

    def make_kernel() -> Kernel:
        # Activations and gradients of the backbone fail there, outside all its methods.
        return guarded_like(job.backbone, make(data, rule, plan))

    def start(chunk: list[Member]) -> ChunkState:
        rows = [first[id(jobs[member.job].partition)] + member.cell for member in chunk]
        cells = torch.tensor(rows, device=device)
        return ChunkState.start(packing, *_draw(jobs, index, chunk), cells, optimizer)

    chunks = tuple(
        start(members[i : i + plan.members]) for i in range(0, len(members), plan.members)
    )
    share = math.prod(block.shape) / job.partition.samples
    return Batch(index, points, share, tuple(members), packing, make_kernel, chunks)


def _kernel_of(
    job: Job, packing: Packing, points: int, state: int, device: torch.device
) -> tuple[Callable[[int], int], MakeKernel]:
    """Choose the kernel of a job.

    Args:
        job: the job.
        packing: memory layout of its numbers.
        points: number of samples of a member.
        state: bytes of the state of the optimizer.
        device: where it is trained.

    Returns:
        The bytes of a member by the samples of a tile; and what makes the kernel.
    """
    layers, backbone, shape = _layers(job), job.backbone, job.shape
    if layers is None or not isinstance(backbone, LayeredBackbone):
        return (
            lambda tile: general.member_bytes(packing, shape, tile, state),
            lambda *given: general.GeneralKernel(backbone, shape, packing, *given),
        )
    encoding = backbone.encoding
    loops = compiled.compiled_loops(encoding, layers, points) if device.type == "cpu" else None
    if loops is None:
        return (
            lambda tile: layered.member_bytes(layers, points, tile, state),
            lambda *given: layered.LayeredKernel(encoding, layers, *given),
        )
    return (
        lambda tile: compiled.member_bytes(encoding, layers, points, state),
        lambda data, rule, plan: compiled.CompiledKernel(encoding, layers, data, rule, loops),
    )


def _state_bytes(optimizer: Optimizer, packing: Packing) -> int:
    """Return the memory of the state of one member."""
    state = optimizer.start(packing.view(torch.zeros(packing.numbers)))
    return sum(value.numel() * value.element_size() for value in state.values())


def _draw(
    jobs: Sequence[Job], index: int, members: list[Member]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the initial trained and constant leaves of members, which must be sorted by job."""
    parts: list[Params] = []
    for number in dict.fromkeys(member.job for member in members):
        job = jobs[number]
        cells = job.partition.blocks[index].cells
        mine = [(member.repeat, cells[member.cell]) for member in members if member.job == number]
        if job.initial is not None:
            rows = torch.tensor([cell for _, cell in mine])
            parts.append({name: leaf[rows] for name, leaf in job.initial.items()})
            continue
        seeds = [derived_seed(job.seeds[repeat], cell) for repeat, cell in mine]
        parts.append(job.backbone.init(job.shape, seeds))
    trained = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    constants = {name: trained.pop(name) for name in jobs[members[0].job].backbone.constants}
    return trained, constants
