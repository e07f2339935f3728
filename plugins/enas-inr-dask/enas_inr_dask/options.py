"""Options of the executor `dask`."""

from __future__ import annotations

from pydantic import Field

from enas_inr.spec import Options


class DaskOptions(Options):
    """Options of `dask`.

    Attributes:
        address: address of a scheduler, such as `tcp://192.0.2.2:8786`, or its scheduler file. If
            empty, a local cluster is started and ends with the search.
        workers: number of processes of the local cluster, each of which trains one trial at a
            time; by default the number of cores divided by `threads`.
        threads: number of threads of torch in each trial.
        resources: resources that each trial needs, such as `{"GPU": 1}`, as declared by the
            workers with `dask worker --resources`.
        retries: number of further attempts on the local cluster at a trial whose worker died. Any
            other cluster has its own setting for this (`distributed.scheduler.allowed-failures`).
    """

    address: str = ""
    workers: int | None = Field(default=None, ge=1, le=1000)
    threads: int = Field(default=1, ge=1)
    resources: dict[str, float] = Field(default_factory=dict)
    retries: int = Field(default=3, ge=0)
