"""From a trial to a job of the trainer, and from an outcome of training to a result.

An executor that trains for itself does it in three steps::

    jobs = make_jobs(context, trials)  # of one grid, and with the same training settings
    outcomes = train(jobs, trials[0].training, device, keep_params=context.pictures)
    results = [trial_result(context, *pair, seconds, device) for pair in zip(trials, outcomes)]

If `context.pictures` says so, it hands what `trial_picture` makes to `context.keep_picture` before
it yields a result. `failed_result` describes a trial that could not be trained. An executor that
only chooses the place sends `ExecutionContext.for_worker` there, and has `train_trial` of
`enas_inr.executors.local` train each trial.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr import hookspecs
from enas_inr.cost import net_shape
from enas_inr.errors import EnasInrError, PluginError
from enas_inr.executors.base import ExecutionContext
from enas_inr.result import Curve, Picture, RepeatResult, TrialResult, TrialStatus, psnr_paper_db
from enas_inr.signals.partition import Partition, cut
from enas_inr.signals.picture import picture_of
from enas_inr.spec import EnsembleSpec, TrialSpec
from enas_inr.training.batch import Job, derived_seed
from enas_inr.training.curves import CurveSummary
from enas_inr.training.device import device_name
from enas_inr.training.evaluate import evaluate
from enas_inr.training.run import Outcome

__all__ = [
    "failed_result",
    "failure",
    "make_job",
    "make_jobs",
    "trial_picture",
    "trial_result",
    "versions",
]

CURVE_POINTS = 100  # of a learning curve that is kept: enough for a plot, small in a database


def failure(error: Exception) -> str:
    """What a failed trial says."""
    text = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def failed_result(
    context: ExecutionContext,
    trial: TrialSpec,
    message: str,
    seconds: float = 0.0,
    device: torch.device | None = None,
) -> TrialResult:
    """The result of a trial that could not be trained.

    Args:
        context: what the executor was given.
        trial: which.
        message: the reason, in one line; `failure` makes it from an exception.
        seconds: spent on it.
        device: where that was tried; None: unknown.
    """
    return TrialResult(
        trial=trial,
        status=TrialStatus.FAILED,
        seconds=seconds,
        device=device_name(device) if device else "",
        versions=versions(context, trial),
        message=message,
    )


def trial_result(
    context: ExecutionContext,
    trial: TrialSpec,
    outcome: Outcome,
    seconds: float,
    device: torch.device,
) -> TrialResult:
    """What came of a trial, without a score."""
    repeats = tuple(map(_repeat_result, outcome.repeats))
    messages = [
        f"repeat {index}: the loss of cell {cell} was not finite at step {repeat.diverged_at}"
        for index, (repeat, cell) in enumerate(zip(repeats, outcome.diverged, strict=True))
        if repeat.status is TrialStatus.DIVERGED
    ]
    return TrialResult(
        trial=trial,
        status=TrialStatus.DIVERGED if messages else TrialStatus.COMPLETE,
        repeats=repeats,
        curve=learning_curve(outcome.losses),
        seconds=seconds,
        device=device_name(device),
        versions=versions(context, trial),
        message="; ".join(messages),
    )


def trial_picture(
    context: ExecutionContext, job: Job, outcome: Outcome, result: TrialResult
) -> Picture | None:
    """A picture of the first repeat's reconstruction, with its last weights.

    Returns:
        The picture; None if the weights were not kept, or the trial is not complete.
    """
    if not outcome.params or result.status is not TrialStatus.COMPLETE:
        return None
    try:
        values = evaluate(job, outcome.params, result.trial.training, 0)
        return picture_of(replace(context.signal, values=values))
    except Exception:  # a trial is worth more than its picture
        return None


def versions(context: ExecutionContext, trial: TrialSpec) -> dict[str, str]:
    """With what a trial is trained here: each distribution's version by its name."""
    found = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "enas-inr": version("enas-inr"),
    }
    with suppress(EnasInrError):  # nobody provides the backbone: why the trial failed
        origin = context.catalog.find("backbone", trial.ensemble.backbone).origin
        found[origin.distribution] = origin.version
    return found


def make_jobs(context: ExecutionContext, trials: Sequence[TrialSpec]) -> list[Job]:
    """What the trainer needs to know of trials that share a grid and their training settings.

    Raises:
        SignalError: the signal cannot be cut into so many cells.
        PluginError: the backbone is missing, broken, or in conflict with another.
    """
    partition = cut(
        context.signal.values,
        (trials[0].ensemble.grid,) * len(context.info.shape),
        trials[0].training.margin,
    )
    return [make_job(context, partition, trial) for trial in trials]


def make_job(context: ExecutionContext, partition: Partition, trial: TrialSpec) -> Job:
    """What the trainer needs to know of one trial on a signal that is already cut."""
    spec: EnsembleSpec = trial.ensemble
    described = context.catalog.describe("backbone", spec.backbone)
    assert isinstance(described, hookspecs.Backbone)
    return Job(
        backbone=context.catalog.create("backbone", spec.backbone, options=spec.options),
        shape=net_shape(spec, context.info),
        partition=partition,
        seeds=tuple(derived_seed(trial.seed, repeat) for repeat in range(trial.repeats)),
        learning_rate=trial.training.learning_rate or described.learning_rate,
    )


def _repeat_result(summary: CurveSummary) -> RepeatResult:
    """What a result keeps of one repeat."""
    return RepeatResult(
        status=TrialStatus.COMPLETE if summary.diverged_at is None else TrialStatus.DIVERGED,
        steps=summary.steps,
        psnr_paper_db=None if summary.best_loss is None else psnr_paper_db(summary.best_loss),
        best_step=summary.best_step,
        diverged_at=summary.diverged_at,
    )


def learning_curve(losses: Float[Tensor, "repeats steps"]) -> Curve:
    """The PSNR at about CURVE_POINTS steps, evenly spaced, the last one among them."""
    count = losses.shape[1]
    points = min(count, CURVE_POINTS)
    steps = tuple((index + 1) * count // points for index in range(points))
    return Curve(
        steps=steps,
        psnr_paper_db=tuple(
            tuple(
                round(psnr_paper_db(loss), 4) if loss == loss and loss != float("inf") else None
                for loss in (float(row[step - 1]) for step in steps)
            )
            for row in losses
        ),
    )
