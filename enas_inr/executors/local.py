"""Trains in this process, on its CPU or one GPU; trials of equal shape in the same batches."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import final

from enas_inr.errors import PluginError
from enas_inr.executors.base import ExecutionContext, Executor, TrialProgress
from enas_inr.executors.trial import (
    failed_result,
    failure,
    make_jobs,
    trial_picture,
    trial_result,
)
from enas_inr.result import Picture, TrialResult
from enas_inr.spec import TrialSpec
from enas_inr.training.device import resolve_device
from enas_inr.training.run import Progress
from enas_inr.training.trainer import train

__all__ = ["LocalExecutor", "train_trial"]


@final
class LocalExecutor(Executor):
    """One device, one batch after the other."""

    def __init__(self, context: ExecutionContext) -> None:
        self._context = context
        self._device = resolve_device(context.device)

    def run(self, trials: Sequence[TrialSpec]) -> Iterator[TrialResult]:
        """Train trials of equal shape together, one shape after the other."""
        groups: dict[Hashable, list[TrialSpec]] = {}
        for trial in trials:
            spec = trial.ensemble
            shape = (
                spec.backbone,
                spec.grid,
                spec.depth,
                spec.width,
                trial.training.model_dump_json(),
            )
            groups.setdefault(shape, []).append(trial)
        for group in groups.values():
            yield from self._train(group)

    def _train(self, trials: list[TrialSpec]) -> Iterator[TrialResult]:
        started = time.perf_counter()
        first = trials[0]

        def tell(progress: Progress) -> None:
            self._context.on_progress(
                TrialProgress(
                    first.number,
                    first.ensemble.label(),
                    progress.done,
                    progress.step,
                    progress.psnr_paper_db,
                )
            )

        try:
            jobs = make_jobs(self._context, trials)
            outcomes = train(
                jobs,
                first.training,
                self._device,
                keep_params=self._context.pictures,
                on_progress=tell,
                share=self._context.share,
            )
        except Exception as error:  # a trial that fails must not end the search
            if self._context.catalog.strict and isinstance(error, PluginError):
                raise
            seconds = time.perf_counter() - started
            for trial in trials:
                yield failed_result(self._context, trial, failure(error), seconds, self._device)
            return
        seconds = (time.perf_counter() - started) / len(trials)
        for trial, job, outcome in zip(trials, jobs, outcomes, strict=True):
            result = trial_result(self._context, trial, outcome, seconds, self._device)
            picture = trial_picture(self._context, job, outcome, result)
            if picture:
                self._context.keep_picture(trial, picture)
            yield result


def train_trial(context: ExecutionContext, trial: TrialSpec) -> tuple[TrialResult, Picture | None]:
    """Train one trial in this process, for an executor in another.

    The functions of the executor's own context are out of reach there. So the picture comes back
    with the result, and the executor hands it to its `ExecutionContext.keep_picture`.

    Args:
        context: as `ExecutionContext.for_worker` makes it.
        trial: which.

    Returns:
        The result, and the picture if the context wants pictures and the trial has one.
    """
    pictures: list[Picture] = []
    context = replace(context, keep_picture=lambda trial, picture: pictures.append(picture))
    (result,) = LocalExecutor(context).run([trial])
    return result, next(iter(pictures), None)
