"""Train on a Ray cluster, which can be started for all GPUs of this machine.

The pool of workers lives as long as the search. Ray ends it when this process ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import final

from enas_inr.executors.base import ExecutionContext, Executor, Supply
from enas_inr.executors.options import RayOptions
from enas_inr.executors.ray.cluster import connect, import_ray, job_number
from enas_inr.executors.ray.log import SearchLog
from enas_inr.executors.ray.pool import Pool
from enas_inr.executors.ray.room import Needs, settle
from enas_inr.executors.ray.surroundings import described
from enas_inr.result import TrialResult
from enas_inr.validation import counted


@final
class RayExecutor(Executor):
    """Trains on a pool of actors, which starts with the first trial.

    Attributes:
        context: the execution context, whose lines for the user are in the log as well.
        log: the log of the search in Ray's dashboard.
    """

    def __init__(self, context: ExecutionContext, options: RayOptions = RayOptions()) -> None:
        import_ray()
        self._options, self.log = options, SearchLog()

        def say(line: str) -> None:
            self.log.write(line)
            context.say(line)

        self.context = replace(context, say=say)

    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Train a trial on each worker and yield each result when it arrives."""
        if first := trials.take(1):  # a cluster is started only if there is one
            for result in self._pool.run(first, trials):
                self.log.ended(self.context, result)
                yield result

    @cached_property
    def cluster(self) -> tuple[Needs, int]:
        """The resources of each trial, and the number of workers; connects on first use.

        Raises:
            SpecError: the cluster lacks the requested resources.
            TrainingError: the cluster cannot be reached.
        """
        context, options = self.context, self._options
        dashboard = connect(options, f"enas-inr {context.title}", context.at_end)
        needs, workers = settle(options, import_ray().nodes())
        self.log.open(context)
        context.say(f"Ray: {counted(workers, 'worker')} with {needs} each")
        if dashboard:
            logs = ", and its Other logs have their PSNR" if self.log.is_open else ""
            look = f"its Task Table has the trials{logs}"
            context.say(described(dashboard, job_number(), look))
        return needs, workers

    @cached_property
    def _pool(self) -> Pool:
        pool = Pool(self.context, *self.cluster, self._options.retries, self.log)
        self.context.at_end.callback(pool.stop)
        return pool
