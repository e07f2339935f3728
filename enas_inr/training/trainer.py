"""Train ensembles: start a run, and start it again with smaller chunks if memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from enas_inr.errors import TrainingError, is_out_of_memory, one_line
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Job
from enas_inr.training.checkpoint import from_tensors
from enas_inr.training.chunks import workspace_bytes
from enas_inr.training.device import lacks
from enas_inr.training.run import OnProgress, Outcome, Progress, Run
from enas_inr.training.workers import WorkerPool, plan_workers

__all__ = ["Outcome", "Progress", "Trainer", "train"]

SMALLEST_WORKSPACE = 2**20

logger = logging.getLogger(__name__)

T = TypeVar("T")


def train(
    jobs: Sequence[Job],
    training: TrainingSpec,
    device: torch.device,
    *,
    steps: int | None = None,
    keep_params: bool = False,
    on_progress: OnProgress = lambda progress: None,
    workspace: int | None = None,
    share: float = 1.0,
) -> list[Outcome]:
    """Train all members of all jobs and return the outcome of each job.

    A job that diverges at a learning rate that was derived (`TrainingSpec.fits_rate`) is stopped
    early, and trained once more at a quarter of the rate.

    Args:
        jobs: the architectures; those of equal shape are trained in the same batches.
        training: settings shared by all jobs.
        device: device on which to train.
        steps: number of steps instead of `training.steps`; 0 only draws the members.
        keep_params: whether to return the final weights, too.
        on_progress: called after the share of each chunk in a round.
        workspace: see `Trainer`.
        share: see `Trainer`.

    Raises:
        TrainingError: even a small chunk does not fit into the memory.
    """

    def work(run: Run, pool: WorkerPool) -> list[Outcome]:
        for _ in run.rounds(pool, on_progress):
            run.drop_diverged()
        dropped.update(run.dropped)
        return run.outcomes(keep_params)

    dropped: set[int] = set()
    trainer = Trainer(jobs, training, device, steps=steps, workspace=workspace, share=share)
    outcomes = trainer.attempt(work)
    if not dropped:
        return outcomes
    again = train(
        [jobs[number].slower() for number in sorted(dropped)],
        training,
        device,
        steps=steps,
        keep_params=keep_params,
        on_progress=on_progress,
        workspace=workspace,
        share=share,
    )
    for number, outcome in zip(sorted(dropped), again, strict=True):
        outcomes[number] = outcome
    return outcomes


class Trainer:
    """Trains jobs in chunks that are as large as the memory allows.

    Chunks do not change a result, so a run that is started again or continued with smaller chunks
    has the same result.

    Args:
        jobs: the jobs to train.
        training: settings shared by all jobs.
        device: device on which to train.
        steps: number of steps instead of `training.steps`.
        every: see `Run`.
        workspace: bytes that a chunk should fill; None for a default by device. It is halved if
            memory runs out.
        share: share of the default workspace, if the device is shared.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        training: TrainingSpec,
        device: torch.device,
        *,
        steps: int | None = None,
        every: int = 1,
        workspace: int | None = None,
        share: float = 1.0,
    ) -> None:
        self._jobs, self._training = jobs, training
        self._steps, self._every = steps, every
        self._asked, self._share = workspace, share
        self._plan(device)
        self._run: Run | None = None
        self._kept: Mapping[str, Tensor] | None = None

    def _plan(self, device: torch.device) -> None:
        """Plan to train on a device."""
        self._device = device
        self._workers = plan_workers(self._jobs, device)
        self._workspace = self._asked or workspace_bytes(device, self._workers, self._share)

    def attempt(self, work: Callable[[Run, WorkerPool], T]) -> T:
        """Work on the run; if memory runs out, work on a new one with chunks half as large.

        If a device other than those of CUDA lacks an operation, the new one is on the CPU.

        Args:
            work: trains the run further. A new run starts at the state given to `keep`, or at the
                beginning; `work` must therefore hold nothing of the run when it fails, and repeats
                everything that it has not kept.

        Raises:
            TrainingError: even a small chunk does not fit into the memory.
        """
        while True:
            lacking = ""
            try:
                with WorkerPool(self._workers, self._device) as pool:
                    return work(self._current(), pool)
            except Exception as error:
                self._run = None  # whatever its state: some chunks may be further than others
                if lacks(self._device, error):
                    lacking = one_line(error)
                elif not is_out_of_memory(error):
                    raise
            # Outside the handler, whose traceback would keep the memory of the attempt alive.
            if lacking:
                logger.warning("training on the CPU, since %s: %s", self._device, lacking)
                self._plan(torch.device("cpu"))
                continue
            if self._workspace <= SMALLEST_WORKSPACE:
                raise TrainingError(
                    f"out of memory on {self._device} even with the smallest chunk",
                    "use a larger grid, a smaller network or another device",
                )
            self._workspace //= 2

    def keep(self, tensors: Mapping[str, Tensor]) -> None:
        """Keep the state of the run (see `checkpoint.to_tensors`), from which a new one starts."""
        self._kept = tensors

    def go_on_from(self, tensors: Mapping[str, Tensor]) -> None:
        """Bring the run to the state of a run of equal jobs from which the tensors were made.

        Raises:
            KeyError, ValueError, RuntimeError: the tensors do not fit; the run is at its beginning.
        """
        self._run, self._kept = None, tensors
        try:
            self.attempt(lambda run, pool: None)
        except (KeyError, ValueError, RuntimeError):
            self._kept = None
            raise

    def _current(self) -> Run:
        if self._run is None:
            run = Run.start(
                self._jobs,
                self._training,
                self._device,
                self._workspace,
                self._workers,
                steps=self._steps,
                every=self._every,
            )
            if self._kept is not None:
                from_tensors(run, None, self._kept)
            self._run = run
        return self._run
