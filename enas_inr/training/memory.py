"""Train with smaller chunks where the memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from enas_inr.errors import TrainingError

SMALLEST_WORKSPACE = 2**20

T = TypeVar("T")


def within_memory(attempt: Callable[[int], T], workspace: int, device: torch.device) -> T:
    """Call `attempt` with a workspace; where the memory is not enough, with half of it, and so on.

    Chunks do not change a result, so each attempt ends the same.

    Args:
        attempt: trains with chunks of that many bytes; keeps nothing of its own when it fails.
        workspace: bytes to begin with.
        device: for the message.

    Raises:
        TrainingError: even a small chunk does not fit into the memory.
    """
    while True:
        try:
            return attempt(workspace)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
        # Outside the handler: there, the traceback would keep alive what the attempt held.
        if workspace <= SMALLEST_WORKSPACE:
            raise TrainingError(
                f"out of memory on {device} even with the smallest chunk",
                "use a larger grid, a smaller network or another device",
            )
        workspace //= 2


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the GPU had no memory left, whichever library says so."""
    texts = ("CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(t in str(error) for t in texts)
