"""Train on a Ray cluster, or on all GPUs of this machine through one.

The pool of workers lives as long as the search. Ray ends it when this process ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import final

from enas_inr.executors.base import ExecutionContext, Executor
from enas_inr.executors.options import RayOptions
from enas_inr.executors.ray.cluster import Needs, connect, import_ray, settle
from enas_inr.executors.ray.pool import Pool
from enas_inr.result import TrialResult
from enas_inr.spec import TrialSpec


@final
class RayExecutor(Executor):
    """Trains on a pool of actors, which starts with the first trial."""

    def __init__(self, context: ExecutionContext, options: RayOptions = RayOptions()) -> None:
        import_ray()
        self.context, self._options = context, options

    def run(self, trials: Sequence[TrialSpec]) -> Iterator[TrialResult]:
        """Train the trials side by side; yield each result as it comes."""
        return self._pool.run(iter(trials))

    @cached_property
    def cluster(self) -> tuple[Needs, int]:
        """Connect; what each trial holds, and how many are trained at a time.

        Raises:
            SpecError: the cluster does not have what was asked for.
            TrainingError: there is no cluster.
        """
        context, options = self.context, self._options
        dashboard = connect(options, f"enas-inr {context.title}", context.at_end)
        needs, workers = settle(options, import_ray().nodes())
        context.say(f"Ray: {workers} workers with {needs} each")
        if dashboard:
            context.say(f"Ray's dashboard: http://{dashboard} (token: `ray get-auth-token`)")
        return needs, workers

    @cached_property
    def _pool(self) -> Pool:
        pool = Pool(self.context, *self.cluster, self._options.retries)
        self.context.at_end.callback(pool.stop)
        return pool
