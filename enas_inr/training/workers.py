"""Threads that train chunks side by side, each with its own scratch memory.

A step consists of about twenty short tensor operations. If each of them were split over all cores,
the cores would wait for each other twenty times in a step, and for long whenever another program
uses a core. Whole chunks on single cores wait only at the end of a round.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import torch
from torch import Tensor

from enas_inr.training.batch import Job
from enas_inr.training.kernel import ChunkState, Kernel
from enas_inr.training.optimizers.base import Step


def plan_workers(jobs: Sequence[Job], device: torch.device) -> int:
    """Return the number of chunks to train side by side: one a core, given enough members."""
    if device.type != "cpu":
        return 1
    most = max(len(job.seeds) * len(block.cells) for job in jobs for block in job.partition.blocks)
    return min(torch.get_num_threads(), most)


class WorkerPool:
    """Worker threads that share the cores. Use it as a context manager.

    The number of threads of torch is a setting of the whole process. It is changed within the
    context and restored at its end.
    """

    def __init__(self, workers: int) -> None:
        self._threads = torch.get_num_threads()
        self._each = max(1, self._threads // workers)
        self._pool = ThreadPoolExecutor(
            workers, initializer=torch.set_num_threads, initargs=(self._each,)
        )

    def __enter__(self) -> WorkerPool:
        torch.set_num_threads(self._each)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._threads)

    def train(
        self, make_kernel: Callable[[], Kernel], chunks: Sequence[ChunkState], steps: Sequence[Step]
    ) -> Iterator[Tensor]:
        """Make the same steps with each chunk; yield its losses `steps members`, in order."""
        own = threading.local()

        def run(chunk: ChunkState) -> Tensor:
            if not hasattr(own, "kernel"):
                own.kernel = make_kernel()
            losses: Tensor = own.kernel.run(chunk, steps)
            return losses.cpu()

        return self._pool.map(run, chunks)
