"""The job of one architecture on a signal, or on a sample of the cells of the signal."""

from __future__ import annotations

from dataclasses import replace

import torch

from enas_inr.backbones.feasibility import resolved
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.trial import make_jobs
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.partition import Partition, cut
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec, TrialSpec
from enas_inr.training.batch import Job


def job_of(
    signal: Signal,
    spec: EnsembleSpec,
    training: TrainingSpec,
    catalog: Catalog,
    *,
    repeats: int = 1,
    cells: int | None = None,
) -> tuple[EnsembleSpec, Job]:
    """Return an architecture with resolved options, and its job.

    Args:
        signal: the signal to train it on.
        spec: the architecture.
        training: the training settings.
        catalog: the plugins.
        repeats: number of trainings.
        cells: number of cells to train; None for all.
    """
    ensemble, cost = resolved(spec, signal.info(), catalog, training)
    trial = TrialSpec(
        number=0,
        ensemble=ensemble,
        cost=cost,
        training=training,
        repeats=repeats,
        seed=0,
    )
    (job,) = make_jobs(ExecutionContext(catalog, signal), [trial])
    return ensemble, replace(job, partition=sampled(job.partition, cells)) if cells else job


def sampled(partition: Partition, most: int) -> Partition:
    """Return a sample of the cells of a partition, side by side along the first axis."""
    block = partition.blocks[0]
    order = block.values.std(dim=(1, 2)).argsort()
    picked = order[torch.linspace(0, len(order) - 1, min(most, len(order))).long()]
    cells = block.values[picked].reshape(len(picked), *block.shape, -1)
    grid = (len(picked), *[1] * (len(block.shape) - 1))
    return cut(torch.cat(list(cells)).contiguous(), grid)
