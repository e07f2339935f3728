"""The state of a training between its rounds: all members of all architectures, in chunks.

In each round, every chunk of members is trained for some steps while it stays in the cache; on a
CPU, chunks are trained side by side on its cores. A member depends only on its seed and cell, so
neither batches, chunks nor rounds change a result. The stopping rule depends only on losses, so
neither do steps that are trained past the stop.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.result import psnr_paper_db
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Batch, Job, Member, make_batches
from enas_inr.training.curves import CurveSummary, has_diverged, summarise
from enas_inr.training.optimizers.base import Step
from enas_inr.training.schedule import steps_of
from enas_inr.training.workers import WorkerPool

ROUND_SECONDS = 2.0  # about how long a round should take: stopping is decided between rounds
MAX_ROUND_STEPS = 100


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of one job.

    Attributes:
        losses: mean squared error of the whole signal before each step's update; NaN after a
            repeat has stopped.
        repeats: the summary of each row of `losses`.
        diverged: for each repeat, the cell (row-major in the grid) whose loss was the first that
            was not finite, if any.
        params: for each block of the partition, the final leaves `repeats cells ...`, constants
            included; empty unless requested.
        ends: losses of the cells at the last step, in the order of `Partition.picked`; None if the
            partition has all cells.
        samples: samples of the signal on which it was trained.
        flat_mse: mean squared error of the best constant for each of the cells.
        learning_rate: learning rate of this training.
        retried: whether it replaces one that diverged.
        device: where it was trained, which need not be the device that was asked for (see
            `Trainer.attempt`).
        state: the state in which it ended (`checkpoint.states_of_jobs`); empty unless requested.
    """

    losses: Float[Tensor, "repeats steps"]
    repeats: tuple[CurveSummary, ...]
    diverged: tuple[int | None, ...]
    params: tuple[Params, ...] = ()
    ends: Float[Tensor, "repeats cells"] | None = None
    samples: int = 0
    flat_mse: float = 0.0
    learning_rate: float = math.nan
    retried: bool = False
    device: torch.device = torch.device("cpu")
    state: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """The progress of a training.

    Attributes:
        done: share of the work that is done, from 0 to 1.
        step: number of steps that all members have made.
        psnr_paper_db: mean over the repeats of the best job so far; None before the first round.
    """

    done: float
    step: int
    psnr_paper_db: float | None


OnProgress = Callable[[Progress], None]


class Run:
    """The state of one training between its rounds.

    A slot is one repeat of one job; `losses` has a row for each.

    Args:
        jobs: the jobs to train.
        batches: the batches of the jobs.
        steps: number of steps of the schedule.
        training: settings with the stopping rule.
        every: decisions are made only at multiples of this step, so that they do not depend on
            the length of the rounds.
        until: number of the last step to make now; None for all steps.

    Attributes:
        losses: mean squared error of the whole signal, `slots steps`.
        done: steps that all members have made.
        dropped: numbers of the jobs that `drop_diverged` has stopped.
        first_losses: for each batch, the loss of each member at the first step of the last round,
            which belongs to the weights at the start of the round; infinite if the member was not
            trained.
        last_losses: likewise at the last step that it was trained.
        trained: rows that the last round was for; others had stopped before it.
        member_rows: for each batch, the row of each member.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        batches: list[Batch],
        steps: int,
        training: TrainingSpec,
        every: int = 1,
        until: int | None = None,
    ) -> None:
        self.jobs, self.batches, self.steps, self.every = jobs, batches, steps, every
        self.training, self.until = training, until or steps
        self.slots = [
            (number, repeat) for number, job in enumerate(jobs) for repeat in range(len(job.seeds))
        ]
        self.rows = {slot: row for row, slot in enumerate(self.slots)}
        self.losses = torch.zeros(len(self.slots), steps, dtype=torch.float64)
        self.diverged: dict[int, tuple[int, int]] = {}  # row -> (step, cell) of the first
        self.done = 0
        self.dropped: set[int] = set()
        self.first_losses = [torch.zeros(len(batch.members)) for batch in batches]
        self.last_losses = [torch.zeros(len(batch.members)) for batch in batches]
        self.trained: set[int] = set()
        self.member_rows = [
            torch.tensor([self.rows[member.job, member.repeat] for member in batch.members])
            for batch in batches
        ]
        self._going: tuple[int, frozenset[int]] = (-1, frozenset())

    @classmethod
    def start(
        cls,
        jobs: Sequence[Job],
        training: TrainingSpec,
        device: torch.device,
        workspace: int,
        workers: int,
        *,
        steps: int | None = None,
        every: int = 1,
        until: int | None = None,
    ) -> Run:
        """Draw the members of all jobs; for the arguments see `make_batches` and above."""
        batches = make_batches(jobs, training, device, workspace, workers)
        steps = training.steps if steps is None else steps
        return cls(jobs, batches, steps, training, every, until)

    @property
    def decided(self) -> int:
        """The last step made at which decisions are made."""
        return self.done if self.done == self.steps else self.done - self.done % self.every

    def rounds(self, pool: WorkerPool, on_progress: OnProgress) -> Iterator[Progress]:
        """Train round by round until the last step is made or every repeat has stopped.

        Yields:
            The progress after each round.
        """
        round_steps = 1
        while self.done < self.until:
            running = self._running()
            if not running:
                return
            started = time.perf_counter()
            count = min(round_steps, self.until - self.done)
            if self.every > 1:
                count = min(count, self.every - self.done % self.every)
            psnr = self._best_psnr()
            for done in self._round(pool, count, running):
                on_progress(Progress(done, self.done, psnr))
            self.done += count
            yield Progress(self.done / self.until, self.done, self._best_psnr())
            scale = ROUND_SECONDS / max(time.perf_counter() - started, 1e-9)
            round_steps = max(1, min(MAX_ROUND_STEPS, 4 * count, int(count * scale)))

    def advance(self, pool: WorkerPool, count: int) -> bool:
        """Train all repeats that have not stopped for up to `count` steps.

        Returns:
            Whether there are steps left.
        """
        count = min(count, self.steps - self.done)
        if count and (running := self._running()):
            for _ in self._round(pool, count, running):
                pass
            self.done += count
        return self.done < self.steps and bool(self._running())

    def probe(self, pool: WorkerPool, jobs: Collection[int]) -> None:
        """Set `first_losses` of these jobs to those of the present weights, without training."""
        for batch, first in zip(self.batches, self.first_losses, strict=True):
            first.fill_(torch.inf)
            parts = [
                (chunk.copy(), place)
                for chunk, members, place in batch.by_chunk()
                if any(member.job in jobs for member in members)
            ]
            losses = pool.train(batch.make_kernel, [copy for copy, _ in parts], self._steps(1))
            for (_, place), loss in zip(parts, losses, strict=True):
                first[place] = loss[0]

    def _steps(self, count: int) -> list[Step]:
        """The next steps, with the factors of the schedule."""
        return steps_of(self.training, self.done + 1, count, self.steps)

    def _running(self) -> set[int]:
        """The rows of the jobs that are left, without those that had stopped when last decided."""
        if self._going[0] != self.decided:  # the losses until then do not change any more
            summaries = enumerate(self.summaries(self.decided))
            left = frozenset(row for row, summary in summaries if not summary.stopped)
            self._going = self.decided, left
        return {row for row in self._going[1] if self.slots[row][0] not in self.dropped}

    def ended(self) -> set[int]:
        """Return the jobs that are not dropped and of which no repeat is left to train."""
        going = set() if self.done == self.steps else self._running()
        left = {self.slots[row][0] for row in going}
        return set(range(len(self.jobs))) - left - self.dropped

    def drop_diverged(self) -> None:
        """Stop the jobs with a repeat that has diverged at a rate that was derived.

        The caller trains them once more (see `Job.slower`). A rate that was given is kept, and so
        is that of a second attempt. The decision depends on the losses up to a fixed step, so not
        on the length of rounds.
        """
        if not self.training.fits_rate:
            return
        for row, (number, _) in enumerate(self.slots):
            job = self.jobs[number]
            untrained = 0.0 if job.initial is None else job.partition.flat_mse
            if not job.retried and has_diverged(
                self.losses[row, : self.done], self.steps, untrained
            ):
                self.dropped.add(number)

    def summaries(self, steps: int) -> list[CurveSummary]:
        """Summarise the losses of the first steps of each row."""
        return [summarise(row, self.training.patience) for row in self.losses[:, :steps]]

    def _round(self, pool: WorkerPool, count: int, running: set[int]) -> Iterator[float]:
        """Train every chunk with a running repeat for `count` steps; yield the share done."""
        total = sum(len(batch.members) * batch.points for batch in self.batches)
        passed, steps, self.trained = 0, self._steps(count), running
        started = [self._start(batch, pool, steps, running) for batch in self.batches]
        for batch, first, last, (chunks, losses) in zip(
            self.batches, self.first_losses, self.last_losses, started, strict=True
        ):
            first.fill_(torch.inf)
            for (members, rows, place), chunk_losses in zip(chunks, losses, strict=True):
                first[place], last[place] = chunk_losses[0], chunk_losses[-1]
                self._record(batch, members, rows, chunk_losses)
                passed += len(members) * batch.points
                yield (self.done + count * passed / total) / self.until

    def _start(
        self, batch: Batch, pool: WorkerPool, steps: list[Step], running: set[int]
    ) -> tuple[list[tuple[tuple[Member, ...], list[int], slice]], Iterator[Tensor]]:
        """Start to train the chunks of a batch that have a running repeat.

        Returns:
            For each of them, its members, their rows, and the slice that they are; and the losses.
        """
        chunks, described = [], []
        for chunk, members, place in batch.by_chunk():
            rows = [self.rows[member.job, member.repeat] for member in members]
            if running.intersection(rows):
                chunks.append(chunk)
                described.append((members, rows, place))
        return described, pool.train(batch.make_kernel, chunks, steps)

    def _record(
        self, batch: Batch, members: tuple[Member, ...], rows: list[int], losses: Tensor
    ) -> None:
        """Add the members' losses `steps members` to the mean over their whole signal."""
        for column in (~torch.isfinite(losses).all(dim=0)).nonzero().flatten().tolist():
            step = self.done + int((~torch.isfinite(losses[:, column])).int().argmax()) + 1
            cells = self.jobs[members[column].job].partition.blocks[batch.block].cells
            known = self.diverged.get(rows[column], (step, cells[members[column].cell]))
            self.diverged[rows[column]] = min(known, (step, cells[members[column].cell]))
        window = self.losses[:, self.done : self.done + len(losses)]
        window.index_add_(0, torch.tensor(rows), (losses.double() * batch.share).T.contiguous())

    def _best_psnr(self) -> float | None:
        """The mean PSNR over the repeats of the best job so far."""
        known: dict[int, list[float]] = {}
        for (number, _), summary in zip(self.slots, self.summaries(self.done), strict=True):
            if summary.best_loss is not None:
                known.setdefault(number, []).append(psnr_paper_db(summary.best_loss))
        return max(map(statistics.fmean, known.values()), default=None)

    def outcomes(self, keep_params: bool) -> list[Outcome]:
        """Return the outcome of each job."""
        summaries = self.summaries(self.done)
        losses = self.losses.clone()
        for row, summary in enumerate(summaries):
            losses[row, summary.steps :] = torch.nan  # steps after the stop do not count
        outcomes = []
        for number, job in enumerate(self.jobs):
            rows = [self.rows[number, repeat] for repeat in range(len(job.seeds))]
            outcomes.append(
                Outcome(
                    losses=losses[rows, : max(summaries[row].steps for row in rows)],
                    repeats=tuple(summaries[row] for row in rows),
                    diverged=tuple(self.diverged.get(row, (0, None))[1] for row in rows),
                    params=self._params(number) if keep_params else (),
                    ends=self._ends(number),
                    samples=job.partition.samples,
                    flat_mse=job.partition.flat_mse,
                    learning_rate=job.learning_rate,
                    retried=job.retried,
                    device=self.batches[0].chunks[0].weights.device,
                )
            )
        return outcomes

    def _ends(self, number: int) -> Float[Tensor, "repeats cells"] | None:
        """The last losses of the cells of one job, in the order in which they were picked."""
        partition = self.jobs[number].partition
        if partition.picked is None:
            return None
        place = {cell: index for index, cell in enumerate(partition.picked)}
        ends = torch.zeros(len(self.jobs[number].seeds), len(place))
        for batch, last in zip(self.batches, self.last_losses, strict=True):
            mine = batch.of(number)
            for member, loss in zip(batch.members[mine], last[mine].tolist(), strict=True):
                cells = partition.blocks[batch.block].cells
                ends[member.repeat, place[cells[member.cell]]] = loss
        return ends

    def _params(self, number: int) -> tuple[Params, ...]:
        """The leaves of one job, block by block, `repeats cells ...`."""
        repeats = len(self.jobs[number].seeds)
        blocks: dict[int, Params] = {}
        for batch in self.batches:
            mine = batch.of(number)
            if mine.stop == 0:
                continue
            leaves = [batch.packing.unpack(c.weights) | dict(c.constants) for c in batch.chunks]
            blocks[batch.block] = {
                name: _by_repeat(torch.cat([leaf[name] for leaf in leaves])[mine].cpu(), repeats)
                for name in leaves[0]
            }
        return tuple(blocks[index] for index in sorted(blocks))


def _by_repeat(leaf: Tensor, repeats: int) -> Tensor:
    """Split members, which come repeat by repeat, into `repeats cells`."""
    return leaf.reshape(repeats, -1, *leaf.shape[1:])
