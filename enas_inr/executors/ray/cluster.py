"""Connect to a Ray cluster, or start one on this machine."""

from __future__ import annotations

import logging
import os
import socket
import sys
from contextlib import ExitStack, nullcontext, redirect_stdout
from typing import TYPE_CHECKING

from enas_inr.errors import PluginError, TrainingError, first_line
from enas_inr.executors.options import RayOptions
from enas_inr.executors.ray.surroundings import (
    WithoutRaylets,
    check_socket_paths,
    folder_of_ray,
    kept_handlers,
    on_loopback,
    without_credentials,
    without_traces,
)

if TYPE_CHECKING:
    from types import ModuleType

CONNECT_SECONDS = 10.0
LOCAL = "local"


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


def job_number() -> str:
    """Return the number of this job on the connected cluster, as its dashboard writes it."""
    return str(import_ray().get_runtime_context().get_job_id())


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
    os.environ.setdefault("RAY_ENABLE_RECORD_ACTOR_TASK_LOGGING", "1")  # for pages of trials
    ray = import_ray()
    if ray.is_initialized():
        return ""
    # Without an address, Ray would join a cluster that happens to run.
    address = options.address or LOCAL
    if address == LOCAL:
        check_socket_paths(os.environ)
    try:
        _check_answers(address)
        loopback = on_loopback(ray) if address == LOCAL else nullcontext()
        with kept_handlers(), without_traces(ray), loopback, without_credentials():
            context = ray.init(
                address=address,
                job_config=ray.job_config.JobConfig(metadata={"job_name": title}),
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # Ray raises all kinds, and plain exceptions as well
        raise _unreachable(address, error) from error
    at_end.enter_context(redirect_stdout(WithoutRaylets(sys.stdout)))
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
    if address == LOCAL:
        folder, _ = folder_of_ray(os.environ)
        return TrainingError(
            f"Ray cannot be started on this machine: {first_line(error)}",
            f"see the logs in {folder}/ray/session_latest/logs, or use --executor local",
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
