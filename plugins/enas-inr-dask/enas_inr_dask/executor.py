"""Train trials as named tasks of a Dask cluster."""

from __future__ import annotations

import queue
import secrets
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeAlias, final

import dask
from distributed import Future
from distributed.scheduler import KilledWorker

from enas_inr.errors import TrainingError
from enas_inr.executors.base import ExecutionContext, Executor, Supply, TrialProgress
from enas_inr.executors.trial import failed_result, failure
from enas_inr.result import Picture, TrialResult
from enas_inr.spec import TrialSpec
from enas_inr_dask import worker
from enas_inr_dask.cluster import connect, room
from enas_inr_dask.options import DaskOptions

Task: TypeAlias = "Future[tuple[TrialResult, Picture | None]]"

SPARED = 3  # number of times that a trial is resubmitted if its worker died before starting it


@final
class DaskExecutor(Executor):
    """Trains each trial as one task. The cluster is started when there are trials to train."""

    def __init__(self, context: ExecutionContext, options: DaskOptions = DaskOptions()) -> None:
        self._context, self._options = context, options
        # Other searches may use the cluster, and Dask takes tasks with equal keys for one task.
        self._id = secrets.token_hex(4)

    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Train the trials in parallel and yield each result when it arrives."""
        taken = trials.take(1)
        if not taken:
            return
        if not room(self._client, self._options.resources):
            needs = ", ".join(f"{n:g} {name}" for name, n in self._options.resources.items())
            self._context.say(f"Dask: waiting for a worker{' that has ' if needs else ''}{needs}")
        # The threads of Dask's client put events into this queue, and this thread handles them.
        heard: queue.SimpleQueue[Task | TrialProgress] = queue.SimpleQueue()
        self._client.subscribe_topic(
            self._topic, lambda event: heard.put(TrialProgress(**event[1]["progress"]))
        )
        tasks: dict[Task, TrialSpec] = {}

        def submit(trial: TrialSpec) -> None:
            task = self._submit(trial)
            tasks[task] = trial
            task.add_done_callback(heard.put)

        begun: set[int | None] = set()
        spared: Counter[int] = Counter()
        try:
            while True:
                for trial in taken:
                    submit(trial)
                # One at least, which waits for a worker if there is none yet.
                free = max(1, room(self._client, self._options.resources)) - len(tasks)
                taken = trials.take(free) if free > 0 else []
                if taken:
                    continue
                if not tasks:
                    return
                news = heard.get()
                if isinstance(news, TrialProgress):
                    begun.add(news.number)
                    training = [t.number for t in tasks.values() if t.number in begun]
                    if training and news.number == min(training):  # show the progress of one only
                        self._context.on_progress(news)
                    continue
                trial = tasks.pop(news)
                # When a worker dies, Dask counts a death for all its tasks, even for queued ones.
                innocent = trial.number not in begun and spared[trial.number] < SPARED
                if innocent and _killed(news):
                    spared[trial.number] += 1
                    submit(trial)
                else:
                    yield self._result(trial, news)
        finally:
            self._client.cancel(list(tasks))

    def _submit(self, trial: TrialSpec) -> Task:
        name = f"trial-{trial.number:04} {self._context.label(trial.configuration)}"
        task: Task = self._client.submit(
            worker.train,
            self._shared,
            trial,
            self._options.threads,
            self._topic,
            key=f"{name} {self._id}{secrets.token_hex(2)}",
            resources=self._options.resources or None,
        )
        return task

    def _result(self, trial: TrialSpec, task: Task) -> TrialResult:
        if self._client.status != "running":
            raise TrainingError(
                "the connection to Dask's scheduler is lost",
                "run the same command again to resume",
            )
        try:
            result, picture = task.result()
        except KilledWorker as error:
            deaths, last = error.allowed_failures + 1, error.last_worker.address
            times = "1 time" if deaths == 1 else f"{deaths} times"
            died = f"its worker died {times}, the last at {last}; see the log of that worker"
            return failed_result(self._context, trial, died)
        except Exception as error:  # for example, the worker cannot unpickle the task
            return failed_result(self._context, trial, failure(error))
        if picture:
            self._context.keep_picture(trial, picture)
        return result

    @property
    def _topic(self) -> str:
        """The topic of the progress events of this search."""
        return f"enas-inr-{self._id}"

    @cached_property
    def _shared(self) -> Any:
        """The execution context on the cluster with the signal, sent once for all trials."""
        gpus = self._options.resources.get("GPU", 0.0)
        context = self._context.for_worker("cuda" if gpus else None, min(1.0, gpus or 1.0))
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            return self._client.submit(worker.keep, context, key=f"signal-{self._id}")

    @cached_property
    def _client(self) -> Any:
        client: Any = connect(self._options, self._context.at_end)
        number = len(client.scheduler_info()["workers"])
        workers = "1 worker" if number == 1 else f"{number} workers"
        self._context.say(f"Dask: {workers} at {client.scheduler.address}")
        if dashboard := client.dashboard_link:
            self._context.say(f"Dask's dashboard: {dashboard}")
        return client


def _killed(task: Task) -> bool:
    """Whether a task failed because its workers died."""
    error = task.exception() if task.status == "error" else None
    return isinstance(error, KilledWorker) and error.task == task.key
