"""Train the fits of some signals together, until each of them has ended for its own reason."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import partial
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.errors import (
    EnasInrError,
    SignalError,
    TrainingError,
    is_out_of_memory,
    warn_once,
)
from enas_inr.executors.base import TrialProgress
from enas_inr.executors.known_cells import Cells
from enas_inr.model.fit_checkpoint import HINT, Checkpoint, State, damaged
from enas_inr.model.header import StartNote
from enas_inr.result import psnr_paper_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB, EnsembleSpec, SignalInfo, TrainingSpec
from enas_inr.training.batch import Job
from enas_inr.training.checkpoint import BestWeights, restore_jobs, states_of_jobs
from enas_inr.training.curves import diverged_at
from enas_inr.training.device import resolve_device
from enas_inr.training.run import Progress, Run
from enas_inr.training.trainer import Trainer
from enas_inr.training.workers import WorkerPool
from enas_inr.validation import Lasting, counted

CHECKPOINT_SECONDS = 60.0  # seconds between two checkpoints
SLOWER = "use a smaller learning rate"
LONG_SECONDS = 5.0  # of a round after which there is a checkpoint, since a stop may not wait for it
DECIDED_EVERY = 20  # steps between two checks for improved members and for the target


class End(StrEnum):
    """Why a fit ended."""

    STEPS = auto()  # all steps were made, or no repeat improved any more
    TARGET = auto()
    ASKED = auto()  # it can be resumed


class FitSpec(Lasting):
    """Everything that determines the result of a fit.

    Attributes:
        start: the weights from which the members start; None to draw them from the seed.
        target_psnr_db: the fit stops when a repeat reaches this PSNR (usual convention).
        repeats: number of trainings from different seeds; the best one is kept.
    """

    ensemble: EnsembleSpec
    training: TrainingSpec
    repeats: int = 1
    seed: int = 0
    target_psnr_db: float | None = None
    start: StartNote | None = None

    later: ClassVar[tuple[str, ...]] = ("start",)


@dataclass(frozen=True, eq=False)
class FitJob:
    """A fit with everything that is known before it begins.

    Attributes:
        number: number of the signal.
        spec: the specification, with resolved options.
        whole: the job of all cells.
        known: cells that a search has trained.
        job: the job of the other cells.
        identity: what a checkpoint and the fit that resumes it must share.
    """

    number: int
    signal: Signal
    info: SignalInfo
    spec: FitSpec
    whole: Job
    known: list[Cells]
    job: Job
    identity: str


@dataclass(frozen=True, eq=False)
class Found:
    """The best repeat of a fit, and the best weights of its members.

    Attributes:
        diverged_at: the step at which it diverged after those weights; None if it did not.
    """

    end: End
    steps: int
    repeat: int = 0
    cells: Sequence[Cells] = ()
    diverged_at: int | None = None


@dataclass(frozen=True, eq=False)
class Training:
    """The training of some fits together.

    Attributes:
        fits: the fits.
        checkpoint: where their states are kept.
        device: the device as the user named it.
        should_stop: whether to stop with a checkpoint.
        on_progress: receives the progress.
        ended: receives what was found.
        flush: called before fits that have ended are removed from the checkpoint.
        removes: whether to remove the checkpoint at the end; else the caller does, when the models
            are on the disk.
    """

    fits: Sequence[FitJob]
    checkpoint: Checkpoint
    device: str
    should_stop: Callable[[], bool]
    on_progress: Callable[[TrialProgress], None]
    ended: Callable[[FitJob, Job, Found | EnasInrError], None]
    flush: Callable[[], None]
    removes: bool = True

    def run(self) -> None:
        """Train what is left: first what has a state, and at last what has diverged.

        Raises:
            TrainingError: the checkpoint is that of other fits.
        """
        begun = self.checkpoint.identities()
        slower = self.checkpoint.slower
        known = {*begun, *slower}
        if known and not known & {one.identity for one in self.fits}:
            path = str(self.checkpoint.path)
            raise TrainingError(f"checkpoint {path!r} belongs to another fit", HINT)
        going = [one for one in self.fits if one.identity in begun]
        for part, again in (
            ([one for one in going if one.identity not in slower], False),
            ([one for one in going if one.identity in slower], True),
            ([one for one in self.fits if one.identity not in known], False),
        ):
            if not self._train(part, again=again):
                return
        if self._train([one for one in self.fits if one.identity in slower], again=True):
            self.flush()
            if self.removes:
                self.checkpoint.remove()

    def _train(self, fits: Sequence[FitJob], *, again: bool) -> bool:
        """Train some fits together, the second time at a lower rate; return False to stop."""
        part = []
        for one in fits:
            if one.job.partition.blocks:
                part.append(one)
            else:
                self.ended(one, one.whole, Found(End.STEPS, one.spec.training.steps))
        if not part:
            return True
        jobs = [one.job.slower() if again else one.job for one in part]
        training = part[0].spec.training
        trainer = Trainer(jobs, training, resolve_device(self.device), every=DECIDED_EVERY)
        done: set[int] = set()
        return trainer.attempt(lambda run, pool: self._work(part, done, run, pool))

    def _work(self, part: Sequence[FitJob], done: set[int], run: Run, pool: WorkerPool) -> bool:
        """Train until all fits have ended; `done` has the numbers of those that have."""
        best = BestWeights(run)
        self._resume(part, done, run, best)
        run.dropped.update(done)
        slower, saved = self.checkpoint.slower, time.perf_counter()

        def end(numbers: Iterable[int], why: End) -> None:
            mse = best.mse(run)
            for number in sorted(numbers):
                if why is not End.ASKED:
                    done.add(number)
                    run.dropped.add(number)
                    slower.discard(part[number].identity)
                self.ended(part[number], run.jobs[number], _found(run, best, mse, number, why))

        def end_stopped() -> None:
            if stopped := run.ended():
                run.probe(pool, stopped)  # the last weights have not been evaluated yet
                best.update(run)
                end(stopped, End.STEPS)

        begun = saved
        for _ in run.rounds(pool, partial(self._tell, part, run)):
            long = time.perf_counter() - begun > LONG_SECONDS
            best.update(run)
            run.drop_diverged()
            slower.update(part[number].identity for number in run.dropped - done)
            end(self._reached(part, run, best), End.TARGET)
            left = set(range(len(part))) - run.dropped
            if left and self.should_stop():
                self._save(part, left, run, best)
                end(left, End.ASKED)
                return False
            end_stopped()
            left -= run.dropped
            if left and (long or time.perf_counter() - saved > CHECKPOINT_SECONDS):
                self._try_to_save(part, left, run, best)
                saved = time.perf_counter()
            begun = time.perf_counter()
        end_stopped()
        return True

    def _tell(self, part: Sequence[FitJob], run: Run, progress: Progress) -> None:
        label = part[0].spec.ensemble.label()
        if len(part) > 1:
            label = f"{counted(len(part), 'signal')}, {label}"
        if run.jobs[0].retried:
            label += f", diverged, now at a rate of {run.jobs[0].learning_rate:.2g}"
        self.on_progress(
            TrialProgress(None, label, progress.done, progress.step, progress.psnr_paper_db)
        )

    def _reached(self, part: Sequence[FitJob], run: Run, best: BestWeights) -> set[int]:
        """Return the numbers of the fits that have reached their PSNR."""
        if part[0].spec.target_psnr_db is None:
            return set()
        psnr = [psnr_paper_db(mse) + PSNR_OFFSET_DB for mse in best.mse(run).tolist()]
        return {
            number
            for (number, _), reached in zip(run.slots, psnr, strict=True)
            if number not in run.dropped and reached >= (part[number].spec.target_psnr_db or 0)
        }

    def _try_to_save(
        self, part: Sequence[FitJob], left: Collection[int], run: Run, best: BestWeights
    ) -> None:
        """Save a checkpoint between two rounds, without which the training goes on."""
        try:
            self._save(part, left, run, best)
        except SignalError as error:  # a full disk may have room again in a minute
            warn_once(f"the training goes on without a new checkpoint, since {error.what}")

    def _save(
        self, part: Sequence[FitJob], left: Collection[int], run: Run, best: BestWeights
    ) -> None:
        if self.checkpoint.path:
            self.flush()
            states = enumerate(states_of_jobs(run, best))
            self.checkpoint.save({part[n].identity: state for n, state in states if n in left})

    def _resume(
        self, part: Sequence[FitJob], done: Collection[int], run: Run, best: BestWeights
    ) -> None:
        """Bring a new run to the states in the checkpoint, if they are those of its jobs.

        Raises:
            SignalError: they cannot be read.
        """
        known = self.checkpoint.states()
        states: list[State] = []
        try:
            for number, (one, job) in enumerate(zip(part, run.jobs, strict=True)):
                state = {} if number in done else known.get(one.identity, {})
                # That of the first attempt is of no use for the second one.
                states.append(state if state and bool(state["retried"]) == job.retried else {})
            if not any(states):
                return
            restore_jobs(run, states, best)
        except (KeyError, ValueError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            raise damaged(self.checkpoint.path, error) from None


def _found(
    run: Run, best: BestWeights, mse: Float[Tensor, " slots"], number: int, end: End
) -> Found | TrainingError:
    """Return the best repeat of a job; an error if it diverged before it was of any use."""
    rows = [run.rows[number, repeat] for repeat in range(len(run.jobs[number].seeds))]
    repeat = int(mse[rows].argmin())
    row, kept = rows[repeat], float(mse[rows[repeat]])
    if not math.isfinite(kept):
        return TrainingError("every repeat diverged: a loss was never finite", SLOWER)
    counted_steps = run.summaries(run.done)[row].steps
    diverged = None if end is End.ASKED else diverged_at(run.losses[row, :counted_steps])
    if diverged is not None and kept >= run.jobs[number].partition.flat_mse:
        return TrainingError(
            f"the training diverged at step {diverged}, before it was better than one constant for "
            "each cell",
            SLOWER,
        )
    found: list[Cells] = []
    for batch, leaves in zip(run.batches, best.leaves, strict=True):
        mine = range(len(batch.members))[batch.of(number)]
        rows = [row for row in mine if batch.members[row].repeat == repeat]
        if not rows:
            continue
        constants = [chunk.constants for chunk in batch.chunks]
        whole = dict(leaves) | {
            name: torch.cat([part[name] for part in constants]).cpu() for name in constants[0]
        }
        cells = run.jobs[number].partition.blocks[batch.block].cells
        found.append((list(cells), {name: leaf[rows].clone() for name, leaf in whole.items()}))
    return Found(end, run.decided, repeat, found, diverged)
