"""Trials on a Dask cluster for enas-inr: `enas-inr search ... --executor dask`."""

from __future__ import annotations

from enas_inr.hookspecs import Executor, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_executors() -> list[Executor]:
    """Describe the executor; it is imported on use."""
    return [
        Executor(
            name="dask",
            summary="a Dask cluster, such as Slurm through dask-jobqueue, or processes here",
            target="enas_inr_dask.executor:DaskExecutor",
            options="enas_inr_dask.options:DaskOptions",
            citation="Rocklin, Dask: Parallel Computation with Blocked Algorithms and Task "
            "Scheduling, SciPy 2015",
        )
    ]
