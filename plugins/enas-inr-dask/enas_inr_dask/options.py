"""Options of the executor `dask`."""

from __future__ import annotations

from pydantic import Field

from enas_inr.spec import Options


class DaskOptions(Options):
    """Options of `dask`.

    Attributes:
        address: of a scheduler, such as `tcp://192.0.2.2:8786`, or its scheduler file; empty: a
            cluster of its own on this machine, which ends with the search.
        workers: processes of its own cluster, each of which trains one trial at a time; None: as
            many as `threads` leaves cores for.
        threads: of torch, in each trial.
        resources: what a trial holds while it is trained, such as `{"GPU": 1}`, of what workers
            declare with `dask worker --resources`.
        retries: how often its own cluster tries a trial again whose worker died; any other cluster
            has this setting itself (`distributed.scheduler.allowed-failures`).
    """

    address: str = ""
    workers: int | None = Field(default=None, ge=1, le=1000)
    threads: int = Field(default=1, ge=1)
    resources: dict[str, float] = Field(default_factory=dict)
    retries: int = Field(default=3, ge=0)
