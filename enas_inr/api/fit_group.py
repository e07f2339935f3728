"""Fit the signals of a group together, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from enas_inr.api.fit import hand_over
from enas_inr.api.fit_plan import Group
from enas_inr.api.fit_scan import Member, Recipe
from enas_inr.api.fit_summary import FitRow, FitStatus
from enas_inr.errors import EnasInrError, PluginError, SignalError
from enas_inr.executors.base import TrialProgress
from enas_inr.model.fit_checkpoint import checkpoint_of
from enas_inr.model.fitting import Fitted, fit_together
from enas_inr.signals.files import make_folder
from enas_inr.signals.signal import Signal
from enas_inr.training.workers import limited_threads


def fit_group(
    recipe: Recipe,
    group: Group,
    should_stop: Callable[[], bool],
    on_progress: Callable[[TrialProgress], None],
) -> dict[int, FitRow]:
    """Fit the signals of a group, and write their files.

    A signal whose file is there already is not fitted again, since a worker that died may have
    written it.

    Args:
        recipe: what all fits share.
        group: the signals.
        should_stop: called every few seconds; True stops the fits with a checkpoint.
        on_progress: called with the progress of the group.

    Returns:
        A row for each signal whose fit has ended, by the number of the signal.
    """
    import torch

    threads = torch.get_num_threads()
    writers = min(threads, len(group.members))
    # Models are measured and written side by side, since a disk takes its time for each of them.
    with ThreadPoolExecutor(writers, "writer", _start_writer, (threads // writers,)) as pool:
        work = _Work(recipe, group, should_stop, on_progress, pool, {}, [])
        left = []
        with limited_threads(threads // writers):
            for member in group.members:
                row = member.path.exists() and member.kept(FitStatus.FITTED)
                if row:
                    work.rows[member.number] = row
                elif signal := work.read(member):
                    left.append((member, signal))
        work.fit(left, group.checkpoint)
        work.await_files()
    return work.rows


def _start_writer(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)  # a setting of the thread


@dataclass(frozen=True, eq=False)
class _Work:
    """The fits of a group.

    Attributes:
        pool: measures and writes models.
        rows: what has become of the signals, by their numbers.
        writing: signals whose models are being written, with their rows to come.
    """

    recipe: Recipe
    group: Group
    should_stop: Callable[[], bool]
    on_progress: Callable[[TrialProgress], None]
    pool: ThreadPoolExecutor
    rows: dict[int, FitRow]
    writing: list[tuple[Member, Future[FitRow]]]

    def read(self, member: Member) -> Signal | None:
        """Read a signal again; if that fails, so does its fit."""
        try:
            signal = self.recipe.read(member.source)
            if signal.info().identity != member.info.identity:
                raise SignalError(f"signal {member.name!r} has changed since it was first read")
        except (SignalError, PluginError) as error:
            self._fail(member, error)
            return None
        return signal

    def fit(self, left: Sequence[tuple[Member, Signal]], checkpoint: Path) -> None:
        """Fit some signals together; if that fails, each of them alone, so that one can fail."""
        if not left:
            return
        try:
            fit_together(
                [(signal, member.spec) for member, signal in left],
                lambda number, outcome: self._end(*left[number], outcome),
                catalog=self.recipe.catalog,
                device=self.recipe.device,
                checkpoint=checkpoint,
                states=self.recipe.states,
                start=self.recipe.start,
                should_stop=self.should_stop,
                on_progress=self.on_progress,
                flush=self.await_files,
            )
        except Exception as error:  # the failure of one signal must not end the others
            if self.recipe.catalog.strict and isinstance(error, PluginError):
                raise
            if len(left) == 1:
                self._fail(left[0][0], error)
                return
        else:
            return
        # Outside the handler, whose traceback would keep the memory of the training alive.
        self.await_files()
        for member, signal in left:
            if member.number not in self.rows and not self.should_stop():
                self.fit([(member, signal)], checkpoint_of(member.path))

    def _end(self, member: Member, signal: Signal, outcome: Fitted | EnasInrError) -> None:
        if isinstance(outcome, EnasInrError):
            self._fail(member, outcome)
            return
        if outcome.finished:
            writing = self.pool.submit(self._write, member, signal, outcome)
            self.writing.append((member, writing))

    def _write(self, member: Member, signal: Signal, fitted: Fitted) -> FitRow:
        started, recipe = time.perf_counter(), self.recipe
        make_folder(member.path.parent)
        most = recipe.limit.whole(member.info.samples) if recipe.limit else None
        made = hand_over(
            fitted, signal, member.path, recipe.catalog, recipe.precision, most_bytes=most
        ).metrics
        diverged = made.get("diverged_at")
        return member.row(
            FitStatus.FITTED,
            message="" if diverged is None else f"diverged at step {diverged}; the best is kept",
            psnr_db=made["psnr_db"],
            bytes=made["bytes"],
            seconds=round(fitted.seconds + time.perf_counter() - started, 3),
        )

    def await_files(self) -> None:
        """Wait until all files are written."""
        for member, writing in self.writing:
            try:
                self.rows[member.number] = writing.result()
            except Exception as error:  # the failure of one signal must not end the others
                self._fail(member, error)
        self.writing.clear()

    def _fail(self, member: Member, error: Exception) -> None:
        if self.recipe.catalog.strict and isinstance(error, PluginError):
            raise error
        self.rows[member.number] = member.failed(error)
