"""CUDA graphs: the operations of a step are recorded once, then replayed as one for each step.

A step of small networks consists of some twenty short operations, and starting them one by one
takes longer than the GPU needs for them. A recorded step reads and writes fixed places. Its number
and learning rate are therefore read from a table on the device, and its losses are written to one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.errors import is_out_of_memory, one_line, warn_once
from enas_inr.training.optimizers.base import DeviceStep, Optimizer, Recordable, Step

MOST_STEPS = 128  # rows of the tables
LEAST_STEPS = 8  # for fewer, recording does not pay

MakeStep = Callable[[DeviceStep, Float[Tensor, "tiles members"]], None]
"""Makes one step, and writes the norms of the errors before it."""

Record = Callable[[Callable[[], None]], Callable[[], None]]
"""Records what a function does on the device, without doing it, and returns its replay."""

_one_at_a_time = threading.Lock()  # PyTorch's allocator keeps state of the process while recording


def recorder(optimizer: Optimizer, device: torch.device) -> Record | None:
    """Return how steps are recorded, or None if they cannot be."""
    if device.type != "cuda":
        return None
    if not isinstance(optimizer, Recordable):
        warn_once(
            f"steps of {type(optimizer).__name__} cannot be recorded, so each is started anew"
        )
        return None
    return capture


def capture(step: Callable[[], None]) -> Callable[[], None]:
    """Record a function as a CUDA graph on the current stream, which must not be the default one.

    Raises:
        RuntimeError: the function does something that cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    with _one_at_a_time:
        # Other threads may allocate memory and wait for their streams meanwhile.
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            step()
        except BaseException:
            with suppress(RuntimeError):  # the recording is lost, as the first error says
                graph.capture_end()
            raise
        graph.capture_end()
    return graph.replay


class Recording:
    """The steps of one chunk, of which the first is made, the second recorded, the rest replayed.

    The first step also makes libraries allocate and compile what they need, which a recording
    must not do. A recording that fails is logged once; each step is then started anew.

    It does not hold the function that makes a step, whose kernel holds the recording: a circle
    would keep the memory of the graph alive after both.

    Args:
        tiles: number of tiles of a step.
        members: number of members of the chunk.
        device: where they are trained.
    """

    def __init__(self, tiles: int, members: int, device: torch.device) -> None:
        self._table = torch.empty(MOST_STEPS, 2, device=device)
        self._losses = torch.empty(MOST_STEPS, tiles, members, device=device)
        self._row = torch.zeros(1, dtype=torch.int64, device=device)
        self._now = torch.empty(1, 2, device=device)
        self._norms = torch.empty(1, tiles, members, device=device)
        self._replay: Callable[[], None] | None = None
        self._tried = False

    def run(
        self, make: MakeStep, record: Record, steps: Sequence[Step]
    ) -> Float[Tensor, "steps tiles members"]:
        """Make steps, and return the norms of the errors before each of them.

        Args:
            make: makes one step; always of the same kernel and chunk.
            record: records a step.
            steps: the steps, each with its learning rate.
        """
        parts = []
        for first in range(0, len(steps), MOST_STEPS):
            some = steps[first : first + MOST_STEPS]
            numbers = torch.tensor([[float(step.number), step.rate] for step in some])
            self._table[: len(some)].copy_(numbers)
            self._row.zero_()
            for _ in some:
                self._next(make, record)
            parts.append(self._losses[: len(some)].clone())
        return torch.cat(parts)

    def _next(self, make: MakeStep, record: Record) -> None:
        if self._replay:
            self._replay()
            return
        step = partial(self._step, make)
        step()
        if not self._tried:
            self._tried = True
            try:
                self._replay = record(step)
            except Exception as error:  # whatever CUDA or an optimizer may raise
                if is_out_of_memory(error):
                    raise
                warn_once(f"steps cannot be recorded, so each is started anew: {one_line(error)}")

    def _step(self, make: MakeStep) -> None:
        """Make the step with the numbers in the present row of the table, and go to the next."""
        torch.index_select(self._table, 0, self._row, out=self._now)
        make(DeviceStep(self._now[0, 0], self._now[0, 1]), self._norms[0])
        self._losses.index_copy_(0, self._row, self._norms)
        self._row.add_(1)
