"""Connect to a Ray cluster or start one, and determine how many workers fit into it."""

from __future__ import annotations

import logging
import math
import os
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from io import TextIOBase
from typing import TYPE_CHECKING, Any, TextIO

from enas_inr.errors import PluginError, SpecError, TrainingError
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.options import RayOptions
from enas_inr.validation import counted

if TYPE_CHECKING:
    from types import ModuleType

CONNECT_SECONDS = 10.0
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


def import_ray() -> ModuleType:
    """Import Ray.

    Raises:
        PluginError: Ray is not installed.
    """
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise PluginError(
            f"training on a cluster needs Ray: {error}", "install it: pip install 'enas-inr[ray]'"
        ) from None
    return ray


def connect(options: RayOptions, title: str, at_end: ExitStack) -> str:
    """Join a cluster, or start one on this machine; a connection that exists is used as it is.

    Args:
        options: options with the address of the cluster.
        title: title of the job in Ray's dashboard.
        at_end: receives the callbacks that disconnect and stop what was started.

    Returns:
        The address of its dashboard; empty if it has none, or whoever connected knows it.

    Raises:
        PluginError: Ray is not installed.
        TrainingError: there is no cluster at that address, or it refuses the connection.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else a warning, each time
    ray = import_ray()
    if ray.is_initialized():
        return ""
    # Without an address, Ray would join a cluster that happens to run.
    address = options.address or "local"
    try:
        _check_answers(address)
        context = ray.init(
            address=address,
            job_config=ray.job_config.JobConfig(metadata={"job_name": title}),
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (
        ConnectionError,
        RuntimeError,
        ValueError,
        OSError,
        ray.exceptions.AuthenticationError,
    ) as error:
        raise _unreachable(address, error) from error
    at_end.enter_context(redirect_stdout(_WithoutRaylets(sys.stdout)))
    at_end.callback(ray.shutdown)
    return str(context.dashboard_url or "")


def _unreachable(address: str, error: BaseException) -> TrainingError:
    """Return the error for a cluster that cannot be joined."""
    # Ray says "failed to connect" although the cluster did answer and only requires a token.
    if "AuthenticationError" in f"{type(error).__name__} {error.__cause__}":
        return TrainingError(
            f"the Ray cluster at {address!r} requires its token",
            "export RAY_AUTH_MODE=token, and copy ~/.ray/auth_token from the head to this machine",
        )
    return TrainingError(
        f"no Ray cluster at {address!r}: {first_line(error)}",
        "start one with `ray start --head`, or give no address",
    )


def _check_answers(address: str) -> None:
    """Check whether HOST:PORT accepts connections, since Ray would try for many minutes.

    Raises:
        OSError, ValueError: it does not, or the text is not an address.
    """
    if address in ("local", "auto"):
        return
    host, colon, port = address.rpartition(":")
    if not colon or "/" in host or not port.isdigit():
        raise ValueError("an address is `auto` or HOST:PORT")
    socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


class _WithoutRaylets(TextIOBase):
    """A stream that drops the long messages that Ray prints for each lost node.

    They would go to stdout, where programs read results, and Ray has no option to disable them.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._dropped = False

    def write(self, text: str) -> int:
        """Pass on all but a raylet's message, and the line feed after it."""
        if "(raylet" in text[:40]:
            self._dropped = True
        elif not (self._dropped and text == "\n"):
            self._dropped = False
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor of the stream."""
        return self._stream.fileno()


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


def first_line(error: BaseException) -> str:
    """Return the first line of an error, without the rest of Ray's long messages."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
