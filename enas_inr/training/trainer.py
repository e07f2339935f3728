"""Trains ensembles: begins a run, and begins it again with smaller chunks where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from enas_inr.errors import TrainingError, is_out_of_memory
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Job
from enas_inr.training.checkpoint import from_tensors
from enas_inr.training.chunks import workspace_bytes
from enas_inr.training.run import OnProgress, Outcome, Progress, Run
from enas_inr.training.workers import WorkerPool, plan_workers

__all__ = ["Outcome", "Progress", "Trainer", "train"]

SMALLEST_WORKSPACE = 2**20

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
    """Train all members of all jobs and say what became of each job.

    Args:
        jobs: the architectures; those of equal shape are trained in the same batches.
        training: settings shared by all jobs.
        device: where.
        steps: instead of `training.steps`; 0 only draws the members.
        keep_params: also return the final weights.
        on_progress: called after each chunk's share of a round.
        workspace: see `Trainer`.
        share: see `Trainer`.

    Raises:
        TrainingError: even a small chunk does not fit into the memory.
    """

    def work(run: Run, pool: WorkerPool) -> list[Outcome]:
        for _ in run.rounds(pool, on_progress):
            pass
        return run.outcomes(keep_params)

    trainer = Trainer(jobs, training, device, steps=steps, workspace=workspace, share=share)
    return trainer.attempt(work)


class Trainer:
    """Trains some jobs in chunks that are as large as the memory allows.

    Chunks do not change a result, so a run that is begun again, or goes on, with smaller ones ends
    the same.

    Args:
        jobs: what is trained.
        training: settings shared by all jobs.
        device: where.
        steps: instead of `training.steps`.
        every: see `Run`.
        workspace: bytes that a chunk should fill; None: what suits the device. Where that is more
            than the memory has, it is halved.
        share: of what suits the device, where it is not ours alone.
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
        self._jobs, self._training, self._device = jobs, training, device
        self._steps, self._every = steps, every
        self._workers = plan_workers(jobs, device)
        self._workspace = workspace or workspace_bytes(device, self._workers, share)
        self._run: Run | None = None
        self._kept: Mapping[str, Tensor] | None = None

    def attempt(self, work: Callable[[Run, WorkerPool], T]) -> T:
        """Do some work on the run; where memory runs out, on a new one with chunks half as large.

        Args:
            work: takes the run further. A new run is where it was told to go on (see `keep`), or at
                its beginning; so `work` holds nothing of the run when it fails, and does all that
                it does not keep again.

        Raises:
            TrainingError: even a small chunk does not fit into the memory.
        """
        while True:
            try:
                with WorkerPool(self._workers) as pool:
                    return work(self._current(), pool)
            except Exception as error:
                self._run = None  # wherever it stands: a chunk may be further than another
                if not is_out_of_memory(error):
                    raise
            # Outside the handler: there, the traceback would keep alive what the attempt held.
            if self._workspace <= SMALLEST_WORKSPACE:
                raise TrainingError(
                    f"out of memory on {self._device} even with the smallest chunk",
                    "use a larger grid, a smaller network or another device",
                )
            self._workspace //= 2

    def keep(self, tensors: Mapping[str, Tensor]) -> None:
        """Remember where the run stands (see `checkpoint.to_tensors`): there a new one goes on."""
        self._kept = tensors

    def go_on_from(self, tensors: Mapping[str, Tensor]) -> None:
        """Bring the run to where the run of equal jobs was that these tensors were made of.

        Raises:
            KeyError, ValueError, RuntimeError: they were not; the run is at its beginning again.
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
