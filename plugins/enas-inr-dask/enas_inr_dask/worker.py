"""The code that runs in a Dask worker: one trial at a time, with its progress as events."""

from __future__ import annotations

import signal
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from distributed import get_worker

from enas_inr.errors import TrainingError
from enas_inr.executors.base import ExecutionContext, TrialProgress

if TYPE_CHECKING:
    from enas_inr.result import Picture, TrialResult
    from enas_inr.spec import TrialSpec

TELL_SECONDS = 0.5  # seconds between two events


def dask_setup(worker: Any) -> None:
    """Ignore Ctrl-C. Called by Dask at the start of each worker of the local cluster.

    A terminal sends Ctrl-C to the workers, too. Since the search ends them, they should not print
    that they were interrupted.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def keep(context: ExecutionContext) -> ExecutionContext:
    """Return the context. As the result of a task, it stays on the workers with the signal.

    Data that a client scatters is lost with the workers that hold it, but the result of a task is
    computed again.
    """
    return context


def train(
    context: ExecutionContext, trial: TrialSpec, threads: int, topic: str
) -> tuple[TrialResult, Picture | None]:
    """Train a trial as the executor `local` does.

    Args:
        context: the context that `ExecutionContext.for_worker` returns.
        trial: the trial to train.
        threads: number of threads for torch.
        topic: topic of the progress events.
    """
    tell = _Teller(topic)
    label = context.label(trial.configuration)
    tell(TrialProgress(trial.number, label, 0.0, 0, None))  # reports the start
    import torch

    from enas_inr.executors.local import train_trial

    torch.set_num_threads(threads)
    return train_trial(replace(context, on_progress=tell), trial)


class _Teller:
    """Sends the progress of the trial in training, and ends the trial if it was cancelled."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._worker = get_worker()
        self._key = self._worker.get_current_task()
        self._told = -TELL_SECONDS

    def __call__(self, progress: TrialProgress) -> None:
        now = time.monotonic()
        if now - self._told < TELL_SECONDS:
            return
        self._told = now
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled":
            raise TrainingError("the trial was cancelled")
        self._worker.log_event(self._topic, {"progress": asdict(progress)})
