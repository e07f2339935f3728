"""The Ray actor: a local executor that keeps the signal and reports to the dashboard."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import final

import torch

from enas_inr.executors.base import ExecutionContext, TrialProgress
from enas_inr.executors.local import train_trial
from enas_inr.executors.ray.log import Intervals, progress_line, stamped
from enas_inr.result import Picture, TrialResult
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB, SignalInfo, TrialSpec

GAUGES = {
    "enas_inr_trial_psnr_db": "Current PSNR of the running trial, mean over its repeats",
    "enas_inr_trial_steps_per_second": "Training steps per second of the running trial",
    "enas_inr_trial_done": "Completed share of the running trial",
}
TAGS = ("study", "trial", "architecture")


@final
class Worker:
    """Trains one trial after the other.

    Args:
        context: the context that `Needs.worker_context` returns.
        threads: number of threads for torch.
    """

    def __init__(self, context: ExecutionContext, threads: int) -> None:
        from ray.util.metrics import Gauge

        self._context = replace(context, on_progress=self._tell)
        self._threads = threads
        self._gauges = {name: Gauge(name, text, tag_keys=TAGS) for name, text in GAUGES.items()}
        self._progress: TrialProgress | None = None
        self._started, self._lines = 0.0, Intervals()

    def ready(self) -> None:
        """Return when the worker has started."""

    def train(
        self, trial: TrialSpec, share: float, of_set: tuple[Signal, SignalInfo] | None = None
    ) -> tuple[TrialResult, Picture | None]:
        """Train a trial within a share of the device's memory.

        Args:
            trial: the trial.
            share: share of the memory.
            of_set: the signal of the trial and its metadata, if it is one of a set.
        """
        # The setting applies to the current thread, and Ray chooses the thread.
        torch.set_num_threads(self._threads)
        self._started, self._lines = time.perf_counter(), Intervals()
        context = self._context.with_signal(*of_set) if of_set else self._context
        trained = train_trial(replace(context, share=share), trial)
        self._progress = None
        return trained

    def progress(self) -> TrialProgress | None:
        """Return the progress of the running trial; can be called during training."""
        return self._progress

    def _tell(self, progress: TrialProgress) -> None:
        self._progress = progress
        values = {"enas_inr_trial_done": progress.done}
        elapsed = time.perf_counter() - self._started
        if elapsed > 0:
            values["enas_inr_trial_steps_per_second"] = progress.step / elapsed
        if progress.psnr_paper_db is not None:
            values["enas_inr_trial_psnr_db"] = progress.psnr_paper_db + PSNR_OFFSET_DB
        tags = {
            "study": self._context.title,
            "trial": str(progress.number),
            "architecture": progress.label,
        }
        for name, value in values.items():
            self._gauges[name].set(value, tags)
        if self._lines.over():
            print(stamped(progress_line(progress)), flush=True)  # into the log of the actor
