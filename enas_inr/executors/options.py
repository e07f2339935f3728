"""Options of the built-in executors, and of the strategy that trains its trials with Ray Tune."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from enas_inr.spec import Options


class RayOptions(Options):
    """Options of `ray`.

    Attributes:
        address: of the cluster: `auto` for the one that runs here, `HOST:PORT`, or None to start
            one on this machine.
        workers: trials trained at a time; None: as many as the cluster has room for.
        cpus_per_trial: cores that each of them has.
        gpus_per_trial: GPUs likewise, 0.5 for two trials on one; None: 1 if the cluster has any.
        retries: how often a trial is tried again whose worker died.
    """

    address: str | None = None
    workers: int | None = Field(default=None, ge=1, le=100_000)
    cpus_per_trial: float = Field(default=1.0, ge=0)
    gpus_per_trial: float | None = Field(default=None, ge=0)
    retries: int = Field(default=3, ge=0)


class RayTuneOptions(Options):
    """Options of `ray`, the strategy.

    Attributes:
        trials: architectures to try, at the most.
        searcher: which come next: in a `random` order, or as `optuna`'s TPE learns.
        scheduler: which of those in training go on.
        grace_steps: that a trial makes before it may be stopped; None: a tenth of them.
        reduction_factor: of asha and hyperband: one in so many trials goes on.
        retries: how often a trial goes on whose worker died.
    """

    trials: int = Field(default=20, ge=1)
    searcher: Literal["random", "optuna"] = "random"
    scheduler: Literal["asha", "hyperband", "median", "pbt", "none"] = "asha"
    grace_steps: int | None = Field(default=None, ge=1)
    reduction_factor: int = Field(default=3, ge=2)
    retries: int = Field(default=3, ge=0)
