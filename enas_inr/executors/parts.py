"""Trials in parts: what is left to train of a trial, all parts together, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from enas_inr.estimate import Sample, encoded
from enas_inr.result import TrialResult, TrialStatus
from enas_inr.spec import Fidelity, Part

if TYPE_CHECKING:
    from enas_inr.estimate import Array

__all__ = ["merged", "part_of", "training_flops"]

PASSES = 3  # forward and backward, which costs about twice as much


def part_of(fidelity: Fidelity, cells: int, steps: int, before: TrialResult | None) -> Part | None:
    """Return the part that is left to train.

    What was trained before is kept if more cells are wanted, or more repeats, or more steps, and
    the other two are as before.

    Args:
        fidelity: how much of the trial is wanted.
        cells: number of all cells.
        steps: number of all steps.
        before: result of the trial so far, if there is one.

    Returns:
        The part; None if all of the trial is to be trained, from its beginning.
    """
    wanted = fidelity.count(cells)
    last = fidelity.steps_of(steps)
    end = last if last < steps else None
    if before and before.sample and before.status is TrialStatus.COMPLETE:
        trained, repeats, made = before.sample.cells, before.trial.repeats, before.trial.steps
        known = trained == wanted, repeats == fidelity.repeats, made == last
        if known == (False, True, True) and trained < wanted:
            return Part(first_cell=trained, cells=wanted, steps=end)
        if known == (True, False, True) and repeats < fidelity.repeats:
            return Part(cells=wanted, first_repeat=repeats, steps=end)
        if known == (True, True, False) and made < last:
            return Part(cells=wanted, first_step=made, steps=end)
    return Part(cells=wanted, steps=end) if wanted < cells or end else None


def merged(before: TrialResult, part: TrialResult) -> TrialResult:
    """Return the result of a trial from that before, and that of a further part.

    If the part is not complete, neither is the trial.
    """
    spec = part.trial.part
    assert spec
    trial = part.trial.model_copy(update={"part": Part(cells=spec.cells, steps=spec.steps)})
    if part.status is not TrialStatus.COMPLETE or not (before.sample and part.sample):
        return part.model_copy(update={"trial": trial})
    if spec.first_repeat:
        curve, ends = _stacked(before, part)
        sample = _sample(before.sample, before.sample.cells, before.sample.samples, curve, ends)
    else:
        curve, ends = _joined(before, part)
        cells = before.sample.cells + part.sample.cells
        sample = _sample(
            before.sample, cells, before.sample.samples + part.sample.samples, curve, ends
        )
    # Here, since a search that trains whole trials elsewhere needs no torch.
    import torch

    from enas_inr.executors.trial import learning_curve, repeat_result
    from enas_inr.training.curves import summarise

    losses = torch.from_numpy(curve).double()
    summaries = [summarise(row, trial.training.patience) for row in losses]
    return part.model_copy(
        update={
            "trial": trial,
            "repeats": tuple(map(repeat_result, summaries)),
            "curve": learning_curve(losses),
            "message": "; ".join(filter(None, (before.message, part.message))),
            "sample": sample,
            "flat_db": _flat_db(before, part),
        }
    )


def _flat_db(before: TrialResult, part: TrialResult) -> float | None:
    """What constants reach on the cells of both."""
    if before.flat_db is None or part.flat_db is None or not (before.sample and part.sample):
        return part.flat_db
    if part.trial.part and part.trial.part.first_repeat:
        return part.flat_db  # of the same cells
    counts = before.sample.samples, part.sample.samples
    errors = [10 ** (-flat / 10) for flat in (before.flat_db, part.flat_db)]
    mean = sum(n * error for n, error in zip(counts, errors, strict=True)) / sum(counts)
    return round(-10 * math.log10(mean), 4)


def _joined(before: TrialResult, part: TrialResult) -> tuple[Array, Array]:
    """The curves and the last losses with further cells."""
    import numpy as np

    assert before.sample
    assert part.sample
    repeats = part.trial.repeats
    curves = before.sample.curves(repeats), part.sample.curves(repeats)
    steps = min(curve.shape[1] for curve in curves)  # one may have stopped before the other
    weights = before.sample.samples, part.sample.samples
    total = np.average([curve[:, :steps] for curve in curves], axis=0, weights=weights)
    ends = [sample.losses(repeats) for sample in (before.sample, part.sample)]
    return total.astype(np.float32), np.concatenate(ends, axis=1)


def _stacked(before: TrialResult, part: TrialResult) -> tuple[Array, Array]:
    """The curves and the last losses with further repeats."""
    import numpy as np

    assert before.sample
    assert part.sample
    counts = before.trial.repeats, part.trial.repeats - before.trial.repeats
    pairs = list(zip((before.sample, part.sample), counts, strict=True))
    curves = [sample.curves(count) for sample, count in pairs]
    steps = min(curve.shape[1] for curve in curves)
    ends = [sample.losses(count) for sample, count in pairs]
    return np.concatenate([curve[:, :steps] for curve in curves]), np.concatenate(ends)


def _sample(like: Sample, cells: int, samples: int, curve: Array, ends: Array) -> Sample:
    return like.model_copy(
        update={
            "cells": cells,
            "samples": samples,
            "curve": encoded(curve),
            "ends": encoded(ends),
        }
    )


def training_flops(results: Iterable[TrialResult]) -> float:
    """Return the FLOPs of the training of trials, in the convention of `Cost.flops`.

    A step on the whole signal counts as three evaluations. Where a trial was trained in parts,
    each of them counts once; failed trials do not count.

    Args:
        results: the results of a study, in the order of their numbers.
    """
    latest: dict[tuple[str, int], TrialResult] = {}
    total = 0.0
    for result in results:
        before = latest.get((result.key, result.trial.signal))
        kept = _steps(before) if before and _continues(before, result) else 0.0
        total += PASSES * result.trial.cost.flops * (_steps(result) - kept)
        latest[result.key, result.trial.signal] = result
    return total


def _steps(result: TrialResult) -> float:
    """The steps of all repeats on the whole signal; a part makes all its steps."""
    if result.sample is None:
        return sum(repeat.steps for repeat in result.repeats)
    trial = result.trial
    return result.fidelity.cells * trial.repeats * trial.steps


def _continues(before: TrialResult, result: TrialResult) -> bool:
    """Whether a result has that before in it: see `part_of`."""
    if not (before.sample and result.sample) or result.status is not TrialStatus.COMPLETE:
        return False
    ours, theirs = result.trial, before.trial
    if ours.steps != theirs.steps:
        return bool(ours.part and ours.part.first_step)
    same_cells = before.sample.cells == result.sample.cells
    return same_cells != (theirs.repeats == ours.repeats)
