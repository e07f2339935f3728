"""The number of members that are trained together, and of samples at a time.

On a CPU, the weights, the state of Adam and the scratch memory of a chunk should stay in the cache
for many steps; on a GPU they should fill it. Both affect only the speed, not the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

CPU_WORKSPACE_BYTES = 4 * 2**20  # for each worker; measured on cores with 1 MiB of L2 each
CPU_TILE, GPU_TILE = 256, 16384
SMALLEST_TILE = 64  # smaller matrix products are slow even in the cache
GPU_SHARE = 0.4  # share of the memory; the rest is for other chunks and the allocator


@dataclass(frozen=True)
class ChunkPlan:
    """The members of a chunk, and the samples of a tile."""

    members: int
    tile: int


def workspace_bytes(device: torch.device, workers: int = 1, share: float = 1.0) -> int:
    """Return the bytes that the chunk of each worker should fill, given a share of the device."""
    if device.type == "cpu":
        return int(CPU_WORKSPACE_BYTES * share)
    free, total = memory(device)
    return int(fitting(total * GPU_SHARE * share, free) / workers)


def fitting(wanted: float, free: float) -> float:
    """Halve a number of bytes until so much memory is free.

    It is not simply a share of the free memory: chunks, and so roundings, would depend on every
    other program that uses some of it.
    """
    while wanted > max(free, 1):
        wanted /= 2
    return wanted


def memory(device: torch.device) -> tuple[int, int]:
    """Return the free and the total bytes of a GPU; what PyTorch only holds ready is free."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        ready = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + ready, total
    if device.type == "mps":
        total = torch.mps.recommended_max_memory()
        return total - torch.mps.current_allocated_memory(), total
    total = torch.xpu.get_device_properties(device).total_memory
    return total - torch.xpu.memory_allocated(device), total


def plan_chunks(
    members: int,
    points: int,
    member_bytes: Callable[[int], int],
    workspace: int,
    device: torch.device,
    workers: int = 1,
) -> ChunkPlan:
    """Choose the chunk that fills `workspace`, in chunks of about equal size.

    Args:
        members: number of members.
        points: number of samples of each member.
        member_bytes: memory of a member with a tile of that many samples.
        workspace: bytes that a chunk should fill; a single member may need more.
        device: device on which to train.
        workers: number of chunks trained side by side; the number of chunks is a multiple of it.
    """
    tile = min(points, CPU_TILE if device.type == "cpu" else GPU_TILE)
    smaller = [size for size in (tile, tile // 2, tile // 4) if size >= SMALLEST_TILE]
    tile = next((size for size in smaller if member_bytes(size) <= workspace), tile)
    most = max(1, workspace // member_bytes(tile))
    chunks = math.ceil(math.ceil(members / most) / workers) * workers
    return ChunkPlan(members=math.ceil(members / chunks), tile=tile)


def tiles(points: int, tile: int) -> list[tuple[int, int]]:
    """Cut `points` samples into ranges of about equal size, at most `tile` each."""
    count = math.ceil(points / tile)
    bounds = [index * points // count for index in range(count + 1)]
    return list(pairwise(bounds))
