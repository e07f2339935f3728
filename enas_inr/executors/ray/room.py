"""How many workers fit into a cluster, and what each of them holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from enas_inr.errors import SpecError
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.options import RayOptions
from enas_inr.validation import counted

SHOWN = ("CPU", "GPU")  # of a node's resources, in messages


@dataclass(frozen=True)
class Needs:
    """The resources that each worker holds while it lives."""

    cpus: float
    gpus: float

    @property
    def threads(self) -> int:
        """The number of threads for torch, for which Ray would leave only one."""
        return max(1, int(self.cpus))

    def worker_context(self, context: ExecutionContext) -> ExecutionContext:
        """Return the execution context of a worker, which keeps to its share of a GPU."""
        return context.for_worker("cuda" if self.gpus else None, min(1.0, self.gpus or 1.0))

    def __str__(self) -> str:
        return f"{self.cpus:g} CPU and {self.gpus:g} GPU"

    def fit_into(self, resources: Mapping[str, float]) -> int:
        """Return the number of workers for which a node has room."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus}
        counts = [
            # Slightly more than the quotient, because 1 / (1 / 3) can be slightly less than 3.
            math.floor(resources.get(name, 0.0) / amount + 1e-9)
            for name, amount in wanted.items()
            if amount
        ]
        return min(counts)


def settle(options: RayOptions, nodes: Sequence[Mapping[str, Any]]) -> tuple[Needs, int]:
    """Decide what each worker holds and how many there are.

    Args:
        options: options of the user.
        nodes: the nodes, as listed by `ray.nodes()`.

    Raises:
        SpecError: the cluster lacks the requested resources; the message says what it has.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    gpus = options.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if any(node.get("GPU") for node in alive) else 0.0
    needs = Needs(options.cpus_per_trial, gpus)
    if needs.cpus == needs.gpus == 0:
        raise SpecError(
            "a trial cannot be trained with 0 CPUs and 0 GPUs",
            "give a positive --cpus-per-trial or --gpus-per-trial",
        )
    room = sum(needs.fit_into(node) for node in alive)
    workers = options.workers or max(room, 1)
    if workers > room:
        hint = "lower --cpus-per-trial or --gpus-per-trial, or join a larger cluster"
        raise SpecError(
            f"no room for {counted(workers, 'worker')} with {needs} each in a cluster with "
            f"{room_in(nodes)}",
            f"give at most --workers {room}" if room else hint,
        )
    return needs, workers


def room_in(nodes: Iterable[Mapping[str, Any]]) -> str:
    """Return the resources of the nodes in words."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    each = [" ".join(f"{node.get(name, 0):g} {name}" for name in SHOWN) for node in alive]
    return f"{counted(len(alive), 'node')} ({'; '.join(each)})"
