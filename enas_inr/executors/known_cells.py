"""Cells that a search has trained already, of which a fit takes the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from enas_inr.backbones.base import Params
from enas_inr.executors.states import States
from enas_inr.signals.partition import cut_some
from enas_inr.signals.signal import Signal
from enas_inr.spec import TrialSpec
from enas_inr.training.batch import Job
from enas_inr.training.checkpoint import final_weights

Cells = tuple[list[int], Params]
"""Linear indices of some cells, and their leaves `cells ...`."""


def known_cells(states: States, trial: TrialSpec, job: Job) -> list[Cells]:
    """Return the cells of which a search has kept the weights at the last step, without repeats.

    What was trained at a lower rate after it had diverged is left out.
    """
    return cells_of(states, trial, job.backbone.init(job.shape, [0]))


def cells_of(states: States, trial: TrialSpec, like: Params) -> list[Cells]:
    """Return the same by leaves of one member."""
    found: list[Cells] = []
    seen: set[int] = set()
    for state in states.finished(trial):
        if state["retried"]:
            continue
        try:
            parts = final_weights(state, like)
        except (KeyError, ValueError):  # as if it had not been kept
            continue
        for cells, leaves in parts:
            rows = [row for row, cell in enumerate(cells) if cell not in seen]
            kept = {name: leaf[rows] for name, leaf in leaves.items()}
            if rows and all(bool(torch.isfinite(leaf).all()) for leaf in kept.values()):
                found.append(([cells[row] for row in rows], kept))
                seen.update(found[-1][0])
    return found


def without(job: Job, signal: Signal, known: Sequence[Cells]) -> Job:
    """Return the job of the cells that are not known; its partition has no blocks if all are."""
    if not known:
        return job
    have = {cell for cells, _ in known for cell in cells}
    whole = job.partition
    left = [cell for block in whole.blocks for cell in block.cells if cell not in have]
    return replace(job, partition=cut_some(signal.values, whole.grid, left, whole.margin))


def in_blocks(parts: Sequence[Cells], blocks: Sequence[Sequence[int]]) -> tuple[Params, ...]:
    """Return the leaves of all cells, block by block in the order of the cells of each."""
    row = {cell: i for i, cell in enumerate(cell for cells, _ in parts for cell in cells)}
    leaves = {name: torch.cat([part[name] for _, part in parts]) for name in parts[0][1]}
    return tuple(
        {name: leaf[[row[cell] for cell in cells]] for name, leaf in leaves.items()}
        for cells in blocks
    )
