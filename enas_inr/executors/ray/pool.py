"""A pool of Ray actors that come and go.

A worker is starting, idle or busy. If one dies, its trial is tried again on another one, and a new
worker starts in its place, wherever the cluster has room.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from enas_inr.errors import TrainingError, first_line
from enas_inr.executors.base import ExecutionContext, Supply
from enas_inr.executors.ray.cluster import import_ray, was_told_to_end
from enas_inr.executors.ray.log import SearchLog, progress_line
from enas_inr.executors.ray.room import Needs, room_in
from enas_inr.executors.trial import failed_result
from enas_inr.result import Picture, TrialResult
from enas_inr.spec import TrialSpec
from enas_inr.validation import counted

LOOK_SECONDS = 1.0  # seconds between two queries of the progress of the trials
SIGNALS_KEPT = 16  # of a set, in the memory that the workers share
PATIENCE_SECONDS = 20.0  # seconds without any worker before the user is informed


@dataclass(frozen=True)
class Attempt:
    """A trial to be trained.

    Attributes:
        trial: the trial.
        share: share of the device's memory that it may fill; reduced each time memory runs out.
        deaths: number of workers that died while training it.
    """

    trial: TrialSpec
    share: float
    deaths: int = 0

    def again(self, error: Exception) -> Attempt:
        """Return the next attempt after the worker has died with this error.

        If its node was told to end, the architecture has nothing to do with it.
        """
        if was_told_to_end(error):
            return self
        out_of_memory = "OutOfMemory" in type(error).__name__ or "memory" in str(error).lower()
        share = self.share / 2 if out_of_memory else self.share
        return replace(self, share=share, deaths=self.deaths + 1)


@dataclass(frozen=True, eq=False)
class _Task:
    """What a worker is doing: starting (no attempt), or training a trial."""

    worker: Any
    attempt: Attempt | None


class Pool:
    """Workers on a cluster that is connected.

    Args:
        context: execution context of the workers.
        needs: resources of each worker.
        size: number of workers, if the cluster has room for them.
        retries: number of further attempts at a trial whose worker died.
        log: the log of the search in Ray's dashboard.
    """

    def __init__(
        self, context: ExecutionContext, needs: Needs, size: int, retries: int, log: SearchLog
    ) -> None:
        from enas_inr.executors.ray.worker import Worker

        self._ray = import_ray()
        self._context, self._needs, self._retries, self._log = context, needs, retries, log
        # The bar of the job in Ray's dashboard counts task events: only trials have some.
        self._actor = self._ray.remote(Worker).options(
            num_cpus=needs.cpus, num_gpus=needs.gpus, max_concurrency=2, enable_task_events=False
        )
        self._worker_context = needs.worker_context(context)
        # Stored once for all workers, because it holds the signal.
        self._arguments = (self._ray.put(self._worker_context), needs.threads)
        self._signals: OrderedDict[int, Any] = OrderedDict()  # references, by their numbers
        self._idle: list[Any] = []
        self._tasks: dict[Any, _Task] = {}  # by the reference of the task's result
        self._failed_starts = 0
        for _ in range(size):
            self._start()

    def run(self, first: Sequence[TrialSpec], trials: Supply) -> Iterator[TrialResult]:
        """Train the trials in parallel and yield each result when it arrives.

        Args:
            first: trials that have been taken already.
            trials: where idle workers take further ones.
        """
        waiting = self._attempts(first)
        while self._occupied(waiting, trials):
            results = []
            ended = self._ended()
            with self._context.undisturbed():
                for reference in ended:
                    outcome = self._take(reference)
                    if isinstance(outcome, Attempt):
                        waiting.appendleft(outcome)
                    elif outcome is not None:
                        results.append(outcome)
                yield from results

    def stop(self) -> None:
        """End all workers."""
        for worker in [*self._idle, *(task.worker for task in self._tasks.values())]:
            self._kill(worker)
        self._idle, self._tasks = [], {}

    def _start(self) -> None:
        worker = self._actor.remote(*self._arguments)
        self._tasks[worker.ready.options(enable_task_events=False).remote()] = _Task(worker, None)

    def _attempts(self, trials: Sequence[TrialSpec]) -> deque[Attempt]:
        return deque(Attempt(trial, self._worker_context.share) for trial in trials)

    def _occupied(self, waiting: deque[Attempt], trials: Supply) -> bool:
        """Give idle workers something to do; return whether anything is left to wait for."""
        self._assign(waiting)
        if self._idle:
            self._assign(self._attempts(trials.take(len(self._idle))))
        return not self._idle or any(task.attempt for task in self._tasks.values())

    def _assign(self, waiting: deque[Attempt]) -> None:
        while waiting and self._idle:
            attempt, worker = waiting.popleft(), self._idle.pop()
            named = worker.train.options(name=self._name(attempt), enable_task_events=True)
            task = named.remote(attempt.trial, attempt.share, self._signal(attempt.trial))
            self._tasks[task] = _Task(worker, attempt)

    def _signal(self, trial: TrialSpec) -> Any:
        """Return the reference to the signal of a trial, if it is one of a set.

        Those of the last trials are stored for all workers.

        Raises:
            SignalError: it cannot be read any more.
        """
        if self._context.signals is None:
            return None
        if trial.signal not in self._signals:
            of_set = self._context.signals[trial.signal], self._context.info_of(trial)
            self._signals[trial.signal] = self._ray.put(of_set)
        self._signals.move_to_end(trial.signal)
        while len(self._signals) > SIGNALS_KEPT:
            self._signals.popitem(last=False)
        return self._signals[trial.signal]

    def _name(self, attempt: Attempt) -> str:
        """Return the name of the task in Ray's dashboard."""
        trial = attempt.trial
        named = f"trial {trial.number:04} {self._context.label(trial.configuration)}"
        if self._context.signals is None:
            return named
        return f"{named} on {self._context.info_of(trial).name}"

    def _ended(self) -> list[Any]:
        """Wait until at least one task has ended, and return all that have ended."""
        lonely = time.monotonic()
        while True:
            ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=LOOK_SECONDS)
            if ready:
                ended, _ = self._ray.wait(
                    list(self._tasks), num_returns=len(self._tasks), timeout=0
                )
                return list(ended)
            if any(task.attempt for task in self._tasks.values()):
                self._show_progress()
            elif time.monotonic() - lonely > PATIENCE_SECONDS:
                lonely = float("inf")  # say this only once
                self._context.say(
                    f"waiting for a worker: {self._needs} each, in a cluster with "
                    f"{room_in(self._ray.nodes())}"
                )

    def _take(self, reference: Any) -> TrialResult | Attempt | None:
        """Return the outcome of a task: a result, a new attempt, or None for a started worker."""
        task = self._tasks.pop(reference)
        try:
            trained: tuple[TrialResult, Picture | None] | None = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:  # raised by our code: the worker lives
            if task.attempt is None:
                raise TrainingError(
                    f"a worker cannot start: {first_line(error)}",
                    "install the same enas-inr and plugins on all nodes",
                ) from error
            self._idle.append(task.worker)
            return self._failed(task.attempt, error)
        except self._ray.exceptions.RayError as error:
            self._kill(task.worker)  # an unreachable worker must not come back later
            if task.attempt is None:
                self._failed_starts += 1
            self._check_starts(error)
            self._start()
            if task.attempt is None:
                return None
            again = task.attempt.again(error)
            if again.deaths > self._retries:
                return self._failed(again, error)
            self._context.say(
                f"{self._name(again)}: its worker died ({first_line(error)}); trying again"
            )
            return again
        self._failed_starts = 0
        self._idle.append(task.worker)
        if trained is None:  # it has started
            return None
        result, picture = trained
        if picture:
            self._context.keep_picture(result.trial, picture)
        return result

    def _check_starts(self, error: Exception) -> None:
        """Stop the search if no worker survives its start."""
        if self._failed_starts > self._retries:
            raise TrainingError(
                f"{counted(self._failed_starts, 'worker')} in a row died at the start: "
                f"{first_line(error)}",
                "see the logs in Ray's dashboard",
            ) from error

    def _show_progress(self) -> None:
        """Report the progress of the trial that was started first, and now and then log all.

        Task events are disabled, or Ray's dashboard would count each query as a task.
        """
        busy = [task for task in self._tasks.values() if task.attempt]
        busy.sort(key=lambda task: task.attempt.trial.number if task.attempt else 0)
        logged = self._log.due()
        asked = [
            task.worker.progress.options(enable_task_events=False).remote()
            for task in (busy if logged else busy[:1])
        ]
        answered, _ = self._ray.wait(asked, num_returns=len(asked), timeout=LOOK_SECONDS)
        for reference in asked:
            with suppress(self._ray.exceptions.RayError):
                progress = self._ray.get(reference) if reference in answered else None
                if progress and logged:
                    self._log.write(progress_line(progress))
                if progress and reference is asked[0]:
                    self._context.on_progress(progress)

    def _kill(self, worker: Any) -> None:
        with suppress(Exception):  # the worker or the connection may be gone already
            self._ray.kill(worker)

    def _failed(self, attempt: Attempt, error: Exception) -> TrialResult:
        died = f"its worker died {counted(attempt.deaths, 'time')}; " if attempt.deaths else ""
        message = f"{died}{type(error).__name__}: {first_line(error)}"
        return failed_result(self._context, attempt.trial, message)
