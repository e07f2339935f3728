"""Call a function for each of some tasks on Ray actors; Ray's dashboard shows the tasks by name."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, final

import torch

from enas_inr.errors import SpecError, TrainingError, first_line
from enas_inr.executors.base import TrialProgress
from enas_inr.executors.options import RayOptions
from enas_inr.executors.ray.cluster import connect, import_ray, job_number, was_told_to_end
from enas_inr.executors.ray.room import room_in, settle
from enas_inr.executors.ray.surroundings import described
from enas_inr.validation import counted

LOOK_SECONDS = 0.5  # seconds between two looks at the progress, and at whether to stop
PATIENCE_SECONDS = 20.0  # seconds without any worker before the user is informed
MOST_FAILED_STARTS = 3  # in a row

ResultT = TypeVar("ResultT")

Told = Callable[[TrialProgress], None]
Function = Callable[[Any, Any, Callable[[], bool], Told], ResultT]
"""Called with what all tasks share, the content of a task, whether to stop, and the progress."""


@dataclass(frozen=True, eq=False)
class Task:
    """One call.

    Attributes:
        number: its number, which `on_progress` receives.
        name: its name in Ray's dashboard.
        content: what the function receives; it can be pickled.
        deaths: number of workers that died during the call.
    """

    number: int
    name: str
    content: Any
    deaths: int = 0


@final
class TaskWorker:
    """Runs one task after the other.

    Args:
        shared: what all tasks share.
        threads: number of threads for torch.
    """

    def __init__(self, shared: Any, threads: int) -> None:
        self._shared, self._threads = shared, threads
        self._stopped = False
        self._progress: TrialProgress | None = None

    def run(self, function: Function[ResultT], content: Any) -> ResultT:
        """Return the result of the function."""
        # The setting applies to the current thread, and Ray chooses the thread.
        torch.set_num_threads(self._threads)
        return function(self._shared, content, lambda: self._stopped, self._tell)

    def progress(self) -> TrialProgress | None:
        """Return the progress of the task; can be called while it runs."""
        return self._progress

    def stop(self) -> None:
        """Let the task stop soon; can be called while it runs."""
        self._stopped = True

    def _tell(self, progress: TrialProgress) -> None:
        self._progress = progress


@dataclass(frozen=True, eq=False)
class Tasks(Generic[ResultT]):
    """Tasks on a cluster.

    Attributes:
        function: what is called, with what is shared and the content of a task.
        shared: what all tasks share.
        title: title of the job in Ray's dashboard.
        should_stop: whether the tasks are to stop.
        on_progress: called with the number of a task and its progress.
        say: shows the user a line.
    """

    function: Function[ResultT]
    shared: Any
    title: str
    should_stop: Callable[[], bool] = lambda: False
    on_progress: Callable[[int, TrialProgress], None] = lambda number, progress: None
    say: Callable[[str], None] = lambda line: None

    def run(
        self, tasks: Sequence[Task], jobs: int, options: RayOptions = RayOptions()
    ) -> Iterator[tuple[Task, ResultT | Exception]]:
        """Run the tasks, and yield the result of each when it arrives.

        An error is yielded if the function raised it, or if workers died too often. If the tasks
        are to stop, those that run return what they have, and the others are not started.

        Args:
            tasks: the tasks, in the order in which they are started.
            jobs: number of workers.
            options: options of the cluster; its `workers` is not used.

        Raises:
            SpecError: the cluster has no room for so many workers.
            TrainingError: the cluster cannot be reached.
            PluginError: Ray is not installed.
        """
        ray = import_ray()
        with ExitStack() as at_end:
            dashboard = connect(options, f"enas-inr {self.title}", at_end)
            nodes = ray.nodes()
            needs, room = settle(options.model_copy(update={"workers": None}), nodes)
            if jobs > room:
                raise SpecError(
                    f"no room for {counted(jobs, 'job')} with {needs} each in a cluster with "
                    f"{room_in(nodes)}",
                    f"give at most {room}",
                )
            if dashboard:
                self.say(described(dashboard, job_number(), "its Task Table has the fits"))
            actor = ray.remote(TaskWorker).options(
                num_cpus=needs.cpus, num_gpus=needs.gpus, max_concurrency=2
            )
            arguments = ray.put(self.shared), needs.threads
            pool = _Pool(ray, lambda: actor.remote(*arguments), deque(tasks))
            at_end.callback(pool.kill)
            for _ in range(min(jobs, len(tasks))):
                pool.start_worker()
            yield from self._results(pool, options.retries, str(needs))

    def _results(
        self, pool: _Pool, retries: int, needs: str
    ) -> Iterator[tuple[Task, ResultT | Exception]]:
        asked, lonely = False, time.monotonic()
        while pool.running or (pool.waiting and not asked):
            for task, result in pool.ended():
                if not isinstance(result, pool.ray.exceptions.RayError):
                    yield task, result
                elif isinstance(result, pool.ray.exceptions.RayTaskError):
                    yield task, TrainingError(first_line(result.cause or result))
                else:
                    again = replace(task, deaths=task.deaths + (not was_told_to_end(result)))
                    if again.deaths > retries:
                        died = f"its worker died {counted(again.deaths, 'time')}"
                        yield task, TrainingError(f"{died}: {first_line(result)}")
                        continue
                    self.say(f"{task.name}: its worker died ({first_line(result)}); trying again")
                    pool.waiting.appendleft(again)
            if not asked and self.should_stop():
                asked = True
                pool.stop()
            while pool.idle and pool.waiting and not asked:
                pool.start(self.function)
            for task, progress in pool.progress():
                self.on_progress(task.number, progress)
            if pool.running:
                lonely = time.monotonic()
            elif time.monotonic() - lonely > PATIENCE_SECONDS:
                lonely = math.inf  # say this only once
                self.say(
                    f"waiting for a worker: {needs} each, in a cluster with "
                    f"{room_in(pool.ray.nodes())}"
                )


@dataclass(frozen=True, eq=False)
class _Pool:
    """Workers, the tasks that they run, and the tasks that wait.

    Attributes:
        ray: the module.
        new: makes a worker.
        waiting: tasks that are not started.
        starting: workers, by the reference of an answer that they give when they have started.
        idle: workers without a task.
        running: by the reference of its result, the worker and the task.
        failures: of workers in a row that died at their start.
    """

    ray: Any
    new: Callable[[], Any]
    waiting: deque[Task]
    starting: dict[Any, Any] = field(default_factory=dict)
    idle: list[Any] = field(default_factory=list)
    running: dict[Any, tuple[Any, Task]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    def start_worker(self) -> None:
        """Start a worker, which gets a task only when the cluster has found room for it."""
        worker = self.new()
        self.starting[worker.progress.options(enable_task_events=False).remote()] = worker

    def start(self, function: Function[ResultT]) -> None:
        """Start the next task on an idle worker."""
        worker, task = self.idle.pop(), self.waiting.popleft()
        named = worker.run.options(name=task.name)
        self.running[named.remote(function, task.content)] = worker, task

    def ended(self) -> Iterator[tuple[Task, Any]]:
        """Wait a short time, and iterate over the tasks that have ended, with results or errors.

        Raises:
            TrainingError: no worker survives its start.
        """
        references = [*self.starting, *self.running]
        ready, _ = self.ray.wait(references, num_returns=1, timeout=LOOK_SECONDS)
        for reference in ready:
            try:
                result = self.ray.get(reference)
            except self.ray.exceptions.RayError as error:
                result = error
            dead = isinstance(result, self.ray.exceptions.RayError)
            dead = dead and not isinstance(result, self.ray.exceptions.RayTaskError)
            if reference in self.starting:
                self._started(self.starting.pop(reference), result)
                continue
            worker, task = self.running.pop(reference)
            if dead:
                self._kill(worker)  # an unreachable worker must not come back later
                self.start_worker()
            else:  # also if our code has raised an error
                self.idle.append(worker)
            yield task, result

    def _started(self, worker: Any, result: Any) -> None:
        if not isinstance(result, self.ray.exceptions.RayError):
            self.failures.clear()
            self.idle.append(worker)
            return
        self.failures.append(result)
        if len(self.failures) > MOST_FAILED_STARTS or isinstance(
            result, self.ray.exceptions.RayTaskError
        ):
            raise TrainingError(
                f"a worker cannot start: {first_line(result)}",
                "install the same enas-inr and plugins on all nodes, and see Ray's logs",
            )
        self._kill(worker)
        self.start_worker()

    def stop(self) -> None:
        """Ask the running tasks to stop."""
        for worker, _ in self.running.values():
            worker.stop.options(enable_task_events=False).remote()

    def progress(self) -> Iterator[tuple[Task, TrialProgress]]:
        """Iterate over the running tasks with their progress, as far as they answer.

        Task events are disabled, or Ray's dashboard would count each query as a task.
        """
        started = time.monotonic()
        for worker, task in list(self.running.values()):
            if time.monotonic() - started > LOOK_SECONDS:
                return
            with suppress(self.ray.exceptions.RayError):
                asked = worker.progress.options(enable_task_events=False).remote()
                if found := self.ray.get(asked, timeout=LOOK_SECONDS):
                    yield task, found

    def kill(self) -> None:
        """End all workers."""
        busy = [worker for worker, _ in self.running.values()]
        for worker in [*self.starting.values(), *self.idle, *busy]:
            self._kill(worker)

    def _kill(self, worker: Any) -> None:
        with suppress(Exception):  # the worker or the connection may be gone already
            self.ray.kill(worker)
