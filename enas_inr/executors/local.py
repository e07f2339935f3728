"""Train trials in this process, on its CPU or one GPU; equal shapes share batches.

A few architectures of different shapes are trained at the same time where one does not fill the
device: on a GPU with CUDA, and on a CPU with more cores than an architecture has members.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import final

import torch

from enas_inr.errors import PluginError, SignalError
from enas_inr.executors.base import (
    BATCH,
    ExecutionContext,
    Executor,
    Supply,
    TrialProgress,
    given,
)
from enas_inr.executors.states import States
from enas_inr.executors.trial import (
    failed_result,
    failure,
    make_jobs,
    training_of,
    trial_picture,
    trial_result,
)
from enas_inr.result import Picture, TrialResult
from enas_inr.spec import TrialSpec
from enas_inr.training.device import resolve_device
from enas_inr.training.run import Progress
from enas_inr.training.trainer import Stage, train
from enas_inr.training.workers import STREAMS

__all__ = ["LocalExecutor", "train_trial"]

MOST_SAMPLES = 2**24
"""Samples of the signals of a set that are trained on together, if they are several."""
MOST_BYTES = 2**29
"""Bytes of the networks on these signals; their training takes about eight times as much."""


@final
class LocalExecutor(Executor):
    """Trains on one device, one batch after the other."""

    def __init__(self, context: ExecutionContext) -> None:
        self._context = context
        self._device = resolve_device(context.device)
        self._shapes = STREAMS if self._device.type == "cuda" else 1
        self._cores = torch.get_num_threads() if self._device.type == "cpu" else 1

    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Train trials of equal shape together, one group of shapes after the other."""
        while taken := trials.take(self._shapes, BATCH):
            for group in groups(taken, self._side_by_side):
                for some in self._within_memory(group):
                    yield from self._train(some)

    def _within_memory(self, trials: list[TrialSpec]) -> Iterator[list[TrialSpec]]:
        """Split trials on many signals, so that those that are in memory together are not too big.

        Those on the same signal stay together.
        """
        some: list[TrialSpec] = []
        samples = size = 0
        for of_signal in by_signal(trials).values():
            more = self._context.info_of(of_signal[0]).samples
            larger = sum(self._bytes(trial) for trial in of_signal)
            if some and (samples + more > MOST_SAMPLES or size + larger > MOST_BYTES):
                yield some
                some, samples, size = [], 0, 0
            some, samples, size = some + of_signal, samples + more, size + larger
        yield some

    def _bytes(self, trial: TrialSpec) -> int:
        """Return the size of the networks of a trial."""
        cells = self._context.info_of(trial).cells(trial.ensemble.grid)
        return trial.cost.bytes * self._members(trial) // cells

    def _states(self, trial: TrialSpec) -> States:
        """Return the states of the signal of a trial."""
        context = self._context
        return States(context.states, context.info_of(trial), context.catalog)

    def _members(self, trial: TrialSpec) -> int:
        """Return the number of networks of a trial that are trained now."""
        part, info = trial.part, self._context.info_of(trial)
        cells = part.cells - part.first_cell if part else info.cells(trial.ensemble.grid)
        return cells * (trial.repeats - (part.first_repeat if part else 0))

    def _side_by_side(self, trial: TrialSpec) -> int:
        """Return how many shapes like that of a trial are trained at the same time."""
        return max(self._shapes, self._cores // self._members(trial))

    def _train(self, trials: list[TrialSpec]) -> Iterator[TrialResult]:
        started = time.perf_counter()
        first = trials[0]

        def tell(progress: Progress) -> None:
            self._context.on_progress(
                TrialProgress(
                    first.number,
                    self._context.label(first.configuration),
                    progress.done,
                    progress.step,
                    progress.psnr_paper_db,
                )
            )

        begun = first.part is not None and first.part.first_step > 0
        found = [self._states(trial).find(trial) if begun else None for trial in trials]
        states = [state for state in found if state is not None]
        if begun and len(states) < len(trials):
            pairs = list(zip(trials, found, strict=True))
            yield from self._train([from_the_start(one) for one, state in pairs if state is None])
            if kept := [one for one, state in pairs if state is not None]:
                yield from self._train(kept)
            return
        failed = ""
        try:
            jobs = make_jobs(self._context, trials)
            for index, state in enumerate(states):
                jobs[index] = jobs[index].slower() if state["retried"] else jobs[index]
            outcomes = train(
                jobs,
                training_of(first),
                self._device,
                keep_params=self._context.pictures,
                on_progress=tell,
                share=self._context.share,
                stage=Stage(first.steps, states, keep=self._context.states is not None),
            )
        except Exception as error:  # a failed trial must not end the search
            if self._context.catalog.strict and isinstance(error, PluginError):
                raise
            if self._context.signals is not None and isinstance(error, SignalError):
                raise  # no configuration can be trained on it any more
            failed = failure(error)
        # Outside the handler, whose traceback would keep the memory of the training alive.
        if failed and begun:  # the states may be damaged
            yield from self._train([from_the_start(trial) for trial in trials])
            return
        apart = groups(trials, lambda trial: 1)
        if len(apart) == 1:
            apart = list(by_signal(trials).values())
        if failed and len(apart) > 1:  # only the shape or the signal at fault should fail
            for group in apart:
                yield from self._train(group)
            return
        if failed:
            seconds = time.perf_counter() - started
            for trial in trials:
                yield failed_result(self._context, trial, failed, seconds, self._device)
            return
        seconds = (time.perf_counter() - started) / sum(trial.cost.flops for trial in trials)
        with self._context.undisturbed():
            for trial, job, outcome in zip(trials, jobs, outcomes, strict=True):
                share = seconds * trial.cost.flops
                result = trial_result(self._context, trial, outcome, share)
                self._states(trial).keep(result, outcome.state)
                picture = trial_picture(self._context, job, outcome, result)
                if picture:
                    self._context.keep_picture(trial, picture)
                yield result


def groups(
    trials: Sequence[TrialSpec], shapes: Callable[[TrialSpec], int]
) -> list[list[TrialSpec]]:
    """Group trials that are trained together, in the order of their first trials.

    Args:
        trials: the trials.
        shapes: returns the largest number of shapes in a group, for one of its trials, which share
            a backbone, a grid, their cells and repeats, and the training settings.
    """
    alike: dict[tuple[Hashable, Hashable], list[TrialSpec]] = {}
    for trial in trials:
        spec = trial.ensemble
        recipe = trial.training.model_dump_json()
        kind = (spec.backbone, spec.grid, trial.part, trial.repeats, recipe)
        alike.setdefault((kind, (spec.depth, spec.width)), []).append(trial)
    found: dict[Hashable, list[TrialSpec]] = {}
    known: Counter[Hashable] = Counter()
    for (common, _), same in alike.items():
        found.setdefault((common, known[common] // shapes(same[0])), []).extend(same)
        known[common] += 1
    return list(found.values())


def by_signal(trials: Sequence[TrialSpec]) -> dict[int, list[TrialSpec]]:
    """Return the trials on each signal of a set."""
    found: dict[int, list[TrialSpec]] = {}
    for trial in trials:
        found.setdefault(trial.signal, []).append(trial)
    return found


def from_the_start(trial: TrialSpec) -> TrialSpec:
    """Return a trial without the steps that were made before, since its state is not found."""
    part = trial.part and trial.part.model_copy(update={"first_step": 0})
    return trial.model_copy(update={"part": part})


def train_trial(context: ExecutionContext, trial: TrialSpec) -> tuple[TrialResult, Picture | None]:
    """Train one trial in this process, for an executor in another.

    The functions of the executor's own context are not available there. The picture is therefore
    returned with the result, and the executor passes it to its `ExecutionContext.keep_picture`.

    Args:
        context: the context that `ExecutionContext.for_worker` returns.
        trial: the trial to train.

    Returns:
        The result, and the picture if the context wants pictures and the trial has one.
    """
    pictures: list[Picture] = []
    context = replace(context, keep_picture=lambda trial, picture: pictures.append(picture))
    (result,) = LocalExecutor(context).run(given([trial]))
    return result, next(iter(pictures), None)
