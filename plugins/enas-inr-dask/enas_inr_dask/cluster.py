"""Connect to a Dask cluster, or start one on this machine."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client, LocalCluster

from enas_inr.errors import TrainingError
from enas_inr.signals.files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from enas_inr_dask.options import DaskOptions

CONNECT_SECONDS = 10
LOOPBACK = "127.0.0.1"


def connect(options: DaskOptions, at_end: ExitStack) -> Client:
    """Connect to the cluster in the options, or start one on this machine.

    Args:
        options: options with the address of the cluster, or the size of the one to start.
        at_end: receives the callbacks that disconnect and stop what was started.

    Raises:
        SignalError: the scheduler file cannot be read.
        TrainingError: there is no scheduler at the address, or the file is not a scheduler file.
    """
    at_end.enter_context(_quiet())
    if not options.address:
        cluster = at_end.enter_context(_local(options))
        own: Client = at_end.enter_context(Client(cluster, set_as_default=False))
        return own
    address = _address(options.address)
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise TrainingError(
            f"no Dask scheduler at {address!r}: {said}",
            "start one with `dask scheduler`, or give no address",
        ) from error
    at_end.enter_context(client)
    return client


def room(client: Client, resources: Mapping[str, float]) -> int:
    """Return the number of trials that the present workers can train in parallel.

    Args:
        client: client of the cluster.
        resources: resources of each trial.
    """
    return sum(
        min(
            worker["nthreads"],
            # Slightly more than the quotient, because 1 / (1 / 3) can be slightly less than 3.
            *(
                math.floor(worker["resources"].get(name, 0.0) / amount + 1e-9)
                for name, amount in resources.items()
                if amount
            ),
            math.inf,
        )
        for worker in client.scheduler_info()["workers"].values()
    )


def _local(options: DaskOptions) -> Any:
    """Start a cluster of processes that cannot be reached from other machines."""
    return LocalCluster(
        n_workers=options.workers or max(1, (os.cpu_count() or 1) // options.threads),
        threads_per_worker=1,
        processes=True,
        host=LOOPBACK,
        dashboard_address=f"{LOOPBACK}:0",
        scheduler_kwargs={"allowed_failures": options.retries},
        silence_logs=logging.CRITICAL,
        resources=options.resources,
        preload=["enas_inr_dask.worker"],
    )


def _address(given: str) -> str:
    """Return the address of a scheduler, which is given directly or by its scheduler file."""
    if "://" in given or not given.endswith(".json"):
        return given
    try:
        return str(json.loads(read_bytes(Path(given)))["address"])
    except (ValueError, KeyError, TypeError):
        raise TrainingError(
            f"{given!r} is not a scheduler file of Dask",
            "write one with `dask scheduler --scheduler-file`",
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's warnings, since problems that matter are reported in the results."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
