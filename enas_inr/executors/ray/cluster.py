"""Connect to a Ray cluster or start one, and determine how many workers fit into it."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from http import HTTPStatus
from io import TextIOBase
from typing import TYPE_CHECKING, Any, TextIO
from urllib.request import urlopen

from enas_inr.errors import PluginError, SpecError, TrainingError, first_line
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.options import RayOptions
from enas_inr.validation import counted

if TYPE_CHECKING:
    from types import ModuleType

CONNECT_SECONDS = 10.0
LOCAL = "local"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CREDENTIALS = ("ENAS_INR_STORAGE", "PGPASSWORD", "MYSQL_PWD")
SEVERAL_MACHINES = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
FOLDERS = ("RAY_TMPDIR", "TMPDIR") if sys.platform == "linux" else ("RAY_TMPDIR",)
SOCKET = "/ray/session_2026-01-31_23-59-59_123456_/sockets/plasma_store"  # without the process
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


def was_told_to_end(error: BaseException) -> bool:
    """Whether a worker has died since somebody, such as a batch system, has ended its node."""
    said = str(error).lower()
    return any(words in said for words in ("sigterm", "terminated expectedly", "preempt"))


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
    address = options.address or LOCAL
    if address == LOCAL:
        check_socket_paths(os.environ)
    try:
        _check_answers(address)
        loopback = _on_loopback(ray) if address == LOCAL else nullcontext()
        with kept_handlers(), loopback, without_credentials():
            context = ray.init(
                address=address,
                job_config=ray.job_config.JobConfig(metadata={"job_name": title}),
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # Ray raises all kinds, and plain exceptions as well
        raise _unreachable(address, error) from error
    at_end.enter_context(redirect_stdout(_WithoutRaylets(sys.stdout)))
    at_end.callback(ray.shutdown)
    return str(context.dashboard_url or "")


@contextmanager
def kept_handlers() -> Iterator[None]:
    """Keep the handlers of signals, since Ray replaces that of SIGTERM by one with a stack trace.

    If no handler was there, that of Ray stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: handler for n in ENDING if (handler := signal.getsignal(n))}
    ours = {n: handler for n, handler in before.items() if handler is not signal.SIG_DFL}
    told = False
    try:
        yield
    except SystemExit:  # by the handler of Ray
        told = True
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
    if told:
        signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt  # the handler only notes the signal, and Ray has not started


@contextmanager
def _on_loopback(ray: ModuleType) -> Iterator[None]:
    """Let a cluster that is started within the block listen on this machine only.

    Ray does so where it does not support several machines, which is a setting. A loopback address
    of the node would be replaced by that of the network.
    """
    constants = ray._private.ray_constants
    supported, given = constants.ENABLE_RAY_CLUSTER, os.environ.get(SEVERAL_MACHINES)
    constants.ENABLE_RAY_CLUSTER, os.environ[SEVERAL_MACHINES] = False, "0"
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = supported
        del os.environ[SEVERAL_MACHINES]
        if given is not None:
            os.environ[SEVERAL_MACHINES] = given


def check_socket_paths(environment: Mapping[str, str]) -> None:
    """Check whether the paths of Ray's sockets are short enough for the system.

    Args:
        environment: the environment variables.

    Raises:
        SpecError: they are not.
    """
    name = next((name for name in FOLDERS if name in environment), None)
    folder = environment[name] if name else "/tmp"
    if not os.path.isabs(folder):
        raise SpecError(
            f"{name}={folder!r} is not an absolute path, which Ray needs",
            "set it to one, or unset it",
        )
    used = len(os.fsencode(folder)) + len(SOCKET) + len(str(os.getpid()))
    longest = 103 if sys.platform == "darwin" else 107
    if used > longest:
        left = longest - len(SOCKET) - len(str(os.getpid()))
        raise SpecError(
            f"Ray cannot put its sockets into {name}={folder!r}: its {len(os.fsencode(folder))} "
            f"bytes make paths of {used} bytes, and the system allows {longest}",
            f"set RAY_TMPDIR to a folder of at most {left} bytes, such as /tmp",
        )


def open_to_all(dashboard: str) -> bool:
    """Whether a dashboard takes commands from everybody who can reach it.

    Args:
        dashboard: its address, `HOST:PORT`.
    """
    try:
        with urlopen(f"http://{dashboard}/api/jobs/", timeout=CONNECT_SECONDS) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (OSError, ValueError):  # it wants a token, or does not answer
        return False


def described(dashboard: str) -> str:
    """Return a line about a dashboard, `HOST:PORT`, with a warning if it needs no token."""
    if open_to_all(dashboard):
        return (
            f"warning: whoever can reach Ray's dashboard at http://{dashboard} can run programs "
            "with your rights; set RAY_AUTH_MODE=token"
        )
    return f"Ray's dashboard: http://{dashboard} (token: `ray get-auth-token`)"


@contextmanager
def without_credentials() -> Iterator[None]:
    """Start Ray's processes without the storage's passwords: only this process needs them."""
    names = [name for name in CREDENTIALS if name in os.environ]
    kept = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(kept)


def _unreachable(address: str, error: BaseException) -> TrainingError:
    """Return the error for a cluster that cannot be joined."""
    # Ray says "failed to connect" although the cluster did answer and only requires a token.
    if "AuthenticationError" in f"{type(error).__name__} {error.__cause__}":
        return TrainingError(
            f"the Ray cluster at {address!r} requires its token",
            "export RAY_AUTH_MODE=token, and copy ~/.ray/auth_token from the head to this machine",
        )
    if address == LOCAL:
        return TrainingError(
            f"Ray cannot be started on this machine: {first_line(error)}",
            "see the logs in /tmp/ray/session_latest/logs, or use --executor local",
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
    if address in (LOCAL, "auto"):
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
