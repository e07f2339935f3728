"""Options of the built-in executors, and of the strategy that uses Ray Tune."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from enas_inr.spec import Options


class RayOptions(Options):
    """Options of `ray`.

    Attributes:
        address: address of the cluster: `auto` for the one that runs on this machine,
            `HOST:PORT`, or None to start one on this machine.
        workers: number of trials trained at the same time; None for as many as fit.
        cpus_per_trial: CPU cores for each trial.
        gpus_per_trial: GPUs for each trial, 0.5 for two trials on one; None for 1 if the cluster
            has any.
        retries: number of further attempts at a trial whose worker died.
    """

    address: str | None = None
    workers: int | None = Field(default=None, ge=1, le=100_000)
    cpus_per_trial: float = Field(default=1.0, ge=0)
    gpus_per_trial: float | None = Field(default=None, ge=0)
    retries: int = Field(default=3, ge=0)


class RayTuneOptions(Options):
    """Options of `ray`, the strategy.

    Attributes:
        trials: maximum number of architectures to try.
        searcher: order of the architectures: `random`, or the proposals of `optuna`'s TPE.
        scheduler: decides which of the trials in training continue.
        grace_steps: steps of a trial before it can be stopped; None for a tenth of all steps.
        reduction_factor: for asha and hyperband, one in this many trials continues.
        retries: number of times that a trial whose worker died is continued.
    """

    trials: int = Field(default=20, ge=1)
    searcher: Literal["random", "optuna"] = "random"
    scheduler: Literal["asha", "hyperband", "median", "pbt", "none"] = "asha"
    grace_steps: int | None = Field(default=None, ge=1)
    reduction_factor: int = Field(default=3, ge=2)
    retries: int = Field(default=3, ge=0)
