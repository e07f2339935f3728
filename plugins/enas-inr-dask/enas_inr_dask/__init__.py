"""Train trials of enas-inr on a Dask cluster: `enas-inr search ... --executor dask`."""

from __future__ import annotations

from enas_inr.hookspecs import Executor, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_executors() -> list[Executor]:
    """Describe the executor, which is imported only when it is used."""
    return [
        Executor(
            name="dask",
            summary="a Dask cluster: on this machine, on several, or on Slurm (dask-jobqueue)",
            target="enas_inr_dask.executor:DaskExecutor",
            options="enas_inr_dask.options:DaskOptions",
            citation="Rocklin, Dask: Parallel Computation with Blocked Algorithms and Task "
            "Scheduling, SciPy 2015",
        )
    ]
