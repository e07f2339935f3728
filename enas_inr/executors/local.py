"""Trains in this process, on its CPU or one GPU; trials of equal shape in the same batches."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import final

from enas_inr.errors import PluginError
from enas_inr.executors.base import ExecutionContext, Executor, TrialProgress
from enas_inr.executors.trial import _versions, failure, make_jobs, trial_picture, trial_result
from enas_inr.result import Picture, TrialResult, TrialStatus
from enas_inr.spec import SignalInfo, TrialSpec
from enas_inr.training.device import device_name, resolve_device
from enas_inr.training.trainer import Progress, train


@final
class LocalExecutor(Executor):
    """One device, one batch after the other."""

    def __init__(self, context: ExecutionContext) -> None:
        self._context = context
        self._device = resolve_device(context.device)

    @cached_property
    def _info(self) -> SignalInfo:
        return self._context.signal.info()

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
            with self._context.catalog.blame("backbone", first.ensemble.backbone):
                jobs = make_jobs(self._context, self._info, trials)
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
            yield from [self._failed(trial, error, seconds) for trial in trials]
            return
        seconds = (time.perf_counter() - started) / len(trials)
        for trial, job, outcome in zip(trials, jobs, outcomes, strict=True):
            result = trial_result(self._context, trial, outcome, seconds, self._device)
            picture = trial_picture(self._context, job, outcome, result)
            if picture:
                self._context.keep_picture(trial, picture)
            yield result

    def _failed(self, trial: TrialSpec, error: Exception, seconds: float) -> TrialResult:
        return TrialResult(
            trial=trial,
            status=TrialStatus.FAILED,
            seconds=seconds,
            device=device_name(self._device),
            versions=_versions(self._context, trial),
            message=failure(error),
        )


def train_trial(context: ExecutionContext, trial: TrialSpec) -> tuple[TrialResult, Picture | None]:
    """Train one trial in this process: what a worker elsewhere runs, and sends back.

    There, the context's functions are out of reach of the search. So the picture comes back with
    the result, and the executor hands it to the `keep_picture` of its own context.

    Returns:
        The result, and the picture if the context wants pictures and the trial has one.
    """
    pictures: list[Picture] = []
    context = replace(context, keep_picture=lambda trial, picture: pictures.append(picture))
    (result,) = LocalExecutor(context).run([trial])
    return result, next(iter(pictures), None)
