"""Train ensembles: start a run, and start it again with smaller chunks if memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from enas_inr.errors import TrainingError, is_out_of_memory, one_line
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Job
from enas_inr.training.checkpoint import from_tensors, restore_jobs, states_of_jobs
from enas_inr.training.chunks import workspace_bytes
from enas_inr.training.device import lacks
from enas_inr.training.run import OnProgress, Outcome, Progress, Run
from enas_inr.training.workers import WorkerPool, plan_workers

__all__ = ["Outcome", "Progress", "Stage", "Trainer", "train"]

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
    stage: Stage | None = None,
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
        stage: where to begin and to end, if not all steps are made at once.

    Raises:
        TrainingError: even a small chunk does not fit into the memory.
    """
    stage = stage or Stage()

    def work(run: Run, pool: WorkerPool) -> list[Outcome]:
        for _ in run.rounds(pool, on_progress):
            run.drop_diverged()
        dropped.update(run.dropped)
        return stage.ended(run, run.outcomes(keep_params))

    dropped: set[int] = set()
    trainer = Trainer(
        jobs, training, device, steps=steps, until=stage.until, workspace=workspace, share=share
    )
    if stage.states:
        trainer.begin_with(stage.restore)
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
        stage=replace(stage, states=()),
    )
    for number, outcome in zip(sorted(dropped), again, strict=True):
        outcomes[number] = outcome
    return outcomes


@dataclass(frozen=True)
class Stage:
    """A part of the steps of a training.

    Attributes:
        until: number of the last step; None for all steps.
        states: the state of each job from which it goes on (`Outcome.state`); empty at the start.
            All jobs must have made as many steps.
        keep: whether to return the states at the end.
    """

    until: int | None = None
    states: Sequence[Mapping[str, Tensor]] = ()
    keep: bool = False

    def restore(self, run: Run) -> None:
        """Bring the jobs of a new run to their states."""
        restore_jobs(run, self.states)

    def ended(self, run: Run, outcomes: list[Outcome]) -> list[Outcome]:
        """Add the states to the outcomes, if they are wanted, and the last step was made."""
        if not self.keep or run.done < run.until:
            return outcomes
        pairs = zip(outcomes, states_of_jobs(run), strict=True)
        return [
            replace(one, state=state) if one.repeats[0].steps == run.until else one
            for one, state in pairs
        ]


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
        until: see `Run`.
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
        until: int | None = None,
        workspace: int | None = None,
        share: float = 1.0,
    ) -> None:
        self._jobs, self._training = jobs, training
        self._steps, self._every, self._until = steps, every, until
        self._asked, self._share = workspace, share
        self._plan(device)
        self._run: Run | None = None
        self._begin: Callable[[Run], None] | None = None

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
                logger.warning("training on the CPU, since %s failed: %s", self._device, lacking)
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
        self.begin_with(lambda run: from_tensors(run, tensors))

    def begin_with(self, begin: Callable[[Run], None]) -> None:
        """Call a function with each new run, which brings it to the state from which it starts."""
        self._begin = begin

    def go_on_from(self, tensors: Mapping[str, Tensor]) -> None:
        """Bring the run to the state of a run of equal jobs from which the tensors were made.

        Raises:
            KeyError, ValueError, RuntimeError: the tensors do not fit; the run is at its beginning.
        """
        self._run = None
        self.keep(tensors)
        try:
            self.attempt(lambda run, pool: None)
        except (KeyError, ValueError, RuntimeError):
            self._begin = None
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
                until=self._until,
            )
            if self._begin:
                self._begin(run)
            self._run = run
        return self._run
