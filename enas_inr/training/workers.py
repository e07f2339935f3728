"""Threads that train chunks side by side, each with its own scratch memory.

A step consists of about twenty short tensor operations. If each of them were split over all cores,
the cores would wait for each other twenty times in a step, and for long whenever another program
uses a core. Whole chunks on single cores wait only at the end of a round.

On a GPU with CUDA, each thread has a stream of its own, so that small networks of several shapes
are computed at the same time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor

from enas_inr.training.batch import Job
from enas_inr.training.kernel import ChunkState, Kernel
from enas_inr.training.optimizers.base import Step

STREAMS = 4  # batches in flight on a GPU; each has its part of the memory


def plan_workers(jobs: Sequence[Job], device: torch.device) -> int:
    """Return the number of chunks to train side by side.

    On a CPU, it is one for each core, given enough members of whatever batches; on a GPU with CUDA,
    one for each batch, up to a few; and one on other devices.
    """
    if device.type == "cpu":
        largest = (max(len(block.cells) for block in job.partition.blocks) for job in jobs)
        members = sum(len(job.seeds) * cells for job, cells in zip(jobs, largest, strict=True))
        return min(torch.get_num_threads(), members)
    if device.type == "cuda":
        batches = {(job.shape, block.shape) for job in jobs for block in job.partition.blocks}
        return min(STREAMS, len(batches))
    return 1


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Let torch use so many threads in this one.

    Short operations are faster on one thread, and by far so if other programs use the cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _start_thread(threads: int, device: torch.device) -> None:
    """Set what is a setting of the thread: its share of the cores, and its stream."""
    torch.set_num_threads(threads)
    if device.type == "cuda":
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        torch.cuda.set_stream(stream)


def _await_others(device: torch.device) -> None:
    """Wait on the device until everything is done that other threads have started."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).wait_stream(torch.cuda.default_stream(device))


class WorkerPool:
    """Worker threads that share the cores, or a GPU. Use it as a context manager.

    The number of threads of torch is a setting of the whole process. It is changed within the
    context and restored at its end.

    Args:
        workers: number of threads.
        device: device on which they train.
    """

    def __init__(self, workers: int, device: torch.device = torch.device("cpu")) -> None:
        self._device = device
        self._threads = torch.get_num_threads()
        self._each = max(1, self._threads // workers)
        self._own = threading.local()
        # On a CPU, any thread takes any chunk. On a GPU, a batch stays with one thread, to whose
        # stream its kernel and its recording belong.
        self._pools = [
            ThreadPoolExecutor(count, initializer=_start_thread, initargs=(self._each, device))
            for count in ([workers] if device.type == "cpu" else [1] * workers)
        ]
        self._place: dict[Callable[[], Kernel], int] = {}

    def __enter__(self) -> WorkerPool:
        torch.set_num_threads(self._each)
        return self

    def __exit__(self, *error: object) -> None:
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)
        self._place.clear()
        torch.set_num_threads(self._threads)

    def train(
        self, make_kernel: Callable[[], Kernel], chunks: Sequence[ChunkState], steps: Sequence[Step]
    ) -> Iterator[Tensor]:
        """Make the same steps with each chunk; yield its losses `steps members`, in order.

        All chunks are handed to the threads at once, so that several calls are in flight together.
        The losses of a chunk are copied to the CPU, and so its steps are done, before they are
        yielded.
        """

        def run(chunk: ChunkState) -> Tensor:
            _await_others(self._device)
            losses: Tensor = self._kernel(make_kernel).run(chunk, steps)
            return losses.cpu()

        place = self._place.setdefault(make_kernel, len(self._place) % len(self._pools))
        return self._pools[place].map(run, chunks)

    def _kernel(self, make: Callable[[], Kernel]) -> Kernel:
        """Return the kernel of this thread, which is kept for further chunks of the same batch."""
        if getattr(self._own, "make", None) is not make:
            self._own.kernel = self._own.make = None  # frees the memory of the last one first
            self._own.kernel, self._own.make = make(), make
        kernel: Kernel = self._own.kernel
        return kernel
