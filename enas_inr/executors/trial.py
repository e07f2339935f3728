"""Convert a trial to a job of the trainer, and the outcome of its training to a result.

An executor that trains trials itself does so in three steps::

    jobs = make_jobs(context, trials)  # of one grid, and with the same training settings
    outcomes = train(jobs, trials[0].training, device, keep_params=context.pictures)
    results = [trial_result(context, *pair, seconds) for pair in zip(trials, outcomes)]

If `context.pictures` is set, it passes the return value of `trial_picture` to
`context.keep_picture` before it yields the result. `failed_result` describes a trial that could not
be trained. An executor that trains elsewhere sends `ExecutionContext.for_worker` there, where
`train_trial` of `enas_inr.executors.local` trains each trial.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr import hookspecs
from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import net_shape
from enas_inr.errors import EnasInrError, PluginError
from enas_inr.estimate import Sample, encoded
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.known_cells import in_blocks, known_cells
from enas_inr.executors.states import States
from enas_inr.result import Curve, Picture, RepeatResult, TrialResult, TrialStatus, psnr_paper_db
from enas_inr.signals.partition import Partition, cut, cut_some
from enas_inr.signals.previews import picture_of
from enas_inr.spec import PSNR_OFFSET_DB, EnsembleSpec, TrainingSpec, TrialSpec
from enas_inr.training.batch import Job, derived_seed
from enas_inr.training.curves import CurveSummary
from enas_inr.training.device import device_name
from enas_inr.training.evaluate import evaluate
from enas_inr.training.optimizers.base import Optimizer
from enas_inr.training.run import Outcome

__all__ = [
    "failed_result",
    "failure",
    "make_job",
    "make_jobs",
    "training_of",
    "trial_picture",
    "trial_result",
    "versions",
]

CURVE_POINTS = 100  # points kept of a learning curve: enough for a plot, small in a database


def failure(error: Exception) -> str:
    """Return the message of a failed trial, in one line."""
    text = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def failed_result(
    context: ExecutionContext,
    trial: TrialSpec,
    message: str,
    seconds: float = 0.0,
    device: torch.device | None = None,
) -> TrialResult:
    """Return the result of a trial that could not be trained.

    Args:
        context: context of the executor.
        trial: the trial.
        message: the reason in one line; `failure` makes it from an exception.
        seconds: time spent on the trial.
        device: where training was tried; None if that is not known.
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
) -> TrialResult:
    """Return the result of a trial, without a score."""
    repeats = tuple(map(repeat_result, outcome.repeats))
    messages = [
        f"repeat {index}: the loss of cell {cell} was not finite at step {repeat.diverged_at}"
        for index, (repeat, cell) in enumerate(zip(repeats, outcome.diverged, strict=True))
        if repeat.status is TrialStatus.DIVERGED
    ]
    diverged = bool(messages)
    rate = outcome.learning_rate
    if outcome.retried:
        messages.append(f"diverged, and trained again at a learning rate of {rate:g}")
    return TrialResult(
        trial=trial,
        status=TrialStatus.DIVERGED if diverged else TrialStatus.COMPLETE,
        repeats=repeats,
        curve=learning_curve(outcome.losses),
        learning_rate=rate,
        seconds=seconds,
        device=device_name(outcome.device),
        versions=versions(context, trial),
        message="; ".join(messages),
        sample=_sample(context, trial, outcome),
        flat_db=round(psnr_paper_db(outcome.flat_mse) + PSNR_OFFSET_DB, 4),
    )


def _sample(context: ExecutionContext, trial: TrialSpec, outcome: Outcome) -> Sample | None:
    """Return the losses of the cells if the outcome is that of a part."""
    if trial.part is None or outcome.ends is None:
        return None
    return Sample(
        cells=outcome.ends.shape[1],
        of=context.info_of(trial).cells(trial.ensemble.grid),
        samples=outcome.samples,
        curve=encoded(outcome.losses.float().numpy()),
        ends=encoded(outcome.ends.numpy()),
    )


def trial_picture(
    context: ExecutionContext, job: Job, outcome: Outcome, result: TrialResult
) -> Picture | None:
    """Return a picture of the reconstruction by the first repeat with its last weights.

    Returns:
        The picture; None if the weights were not kept, the trial is not complete, or it has a part
        of the cells and the states of the others are not on this machine.
    """
    if not outcome.params or result.status is not TrialStatus.COMPLETE:
        return None
    context = context.on(result.trial)
    try:
        params = outcome.params
        if job.partition.picked is not None:
            job, params = _all_cells(context, job, result.trial)
        if not params:
            return None
        values = evaluate(job, params, result.trial.training, 0)
        return picture_of(replace(context.signal, values=values))
    except Exception:  # a trial without a picture is better than a failed one
        return None


def _all_cells(
    context: ExecutionContext, job: Job, trial: TrialSpec
) -> tuple[Job, tuple[Params, ...]]:
    """Return the job of all cells, and their leaves; none if they are not all known."""
    grid = job.partition.grid
    last = trial.part is not None and trial.part.cells == math.prod(grid)
    states = States(context.states, context.info, context.catalog)
    known = known_cells(states, trial, job) if last else []
    if sum(len(cells) for cells, _ in known) < math.prod(grid):
        return job, ()
    whole = cut(context.signal.values, grid, trial.training.margin)
    params = in_blocks(known, [block.cells for block in whole.blocks])
    one_repeat = tuple({n: leaf.unsqueeze(0) for n, leaf in part.items()} for part in params)
    return replace(job, partition=whole), one_repeat


def versions(context: ExecutionContext, trial: TrialSpec) -> dict[str, str]:
    """Return the versions of the distributions that train a trial, by name."""
    found = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "enas-inr": version("enas-inr"),
    }
    with suppress(EnasInrError):  # the backbone is not installed, and the trial failed
        origin = context.catalog.find("backbone", trial.ensemble.backbone).origin
        found[origin.distribution] = origin.version
    return found


def training_of(trial: TrialSpec) -> TrainingSpec:
    """Return the training settings; a part does not stop early, since the whole decides that."""
    if trial.part is None:
        return trial.training
    return trial.training.model_copy(update={"patience": trial.training.steps + 1})


def make_jobs(context: ExecutionContext, trials: Sequence[TrialSpec]) -> list[Job]:
    """Return the jobs of trials that share a grid, their cells and their training settings.

    Trials on one signal of a set share its cells.

    Raises:
        SignalError: a signal cannot be read any more, or cut into so many cells.
        PluginError: the backbone is missing, broken, or in conflict with another.
    """
    cut_before: dict[int, tuple[ExecutionContext, Partition]] = {}
    jobs = []
    for trial in trials:
        if trial.signal not in cut_before:
            of_signal = context.on(trial)
            cut_before[trial.signal] = of_signal, _partition(of_signal, trial)
        jobs.append(make_job(*cut_before[trial.signal], trial))
    return jobs


def _partition(context: ExecutionContext, trial: TrialSpec) -> Partition:
    """Cut the signal of a context into the cells of a trial."""
    side, margin = trial.ensemble.grid, trial.training.margin
    grid = context.info.cells_along(side)
    if part := trial.part:
        cells = context.order(side, margin)[part.first_cell : part.cells]
        return cut_some(context.signal.values, grid, cells, margin)
    return cut(context.signal.values, grid, margin)


def make_job(context: ExecutionContext, partition: Partition, trial: TrialSpec) -> Job:
    """Return the job of a trial on a signal that is cut already."""
    spec: EnsembleSpec = trial.architecture
    training = trial.training
    described = context.catalog.describe("backbone", spec.backbone)
    assert isinstance(described, hookspecs.Backbone)
    backbone: Backbone = context.catalog.create("backbone", spec.backbone, options=spec.options)
    optimizer: Optimizer = context.catalog.create(
        "optimizer", training.optimizer, training, options=training.optimizer_options
    )
    shape = net_shape(spec, context.info)
    first = trial.part.first_repeat if trial.part else 0
    points = max(math.prod(block.shape) for block in partition.blocks)
    default = described.learning_rate
    if training.fits_rate and (fitted := backbone.learning_rate(shape, points, training.steps)):
        default = fitted * optimizer.rate_factor
    return Job(
        backbone=backbone,
        shape=shape,
        partition=partition,
        seeds=tuple(derived_seed(trial.seed, repeat) for repeat in range(first, trial.repeats)),
        learning_rate=training.learning_rate or default,
        optimizer=optimizer,
    )


def repeat_result(summary: CurveSummary) -> RepeatResult:
    """Return the part of a repeat that a result keeps."""
    return RepeatResult(
        status=TrialStatus.COMPLETE if summary.diverged_at is None else TrialStatus.DIVERGED,
        steps=summary.steps,
        psnr_paper_db=None if summary.best_loss is None else psnr_paper_db(summary.best_loss),
        best_step=summary.best_step,
        diverged_at=summary.diverged_at,
    )


def learning_curve(losses: Float[Tensor, "repeats steps"]) -> Curve:
    """Return the PSNR at about CURVE_POINTS evenly spaced steps, including the last one."""
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
