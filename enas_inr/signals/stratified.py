"""Samples of the cells of a signal, which estimate the loss of the whole signal.

Cells are independent, so the mean loss of some of them estimates that of all. The cells are sorted
by how busy they are (the standard deviation of their values), and picked from that list in the
order of `enas_inr.estimate.spread`: every beginning of it is about a stratified sample, and a
longer one contains a shorter one.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from enas_inr.estimate import spread
from enas_inr.signals.partition import Partition


def nested_order(partition: Partition) -> list[int]:
    """Return the linear indices of all cells in the order in which they are picked."""
    busy = torch.empty(partition.cell_count)
    for block in partition.blocks:
        busy[list(block.cells)] = block.values.std(dim=1, correction=0).mean(dim=1).cpu()
    ranked = busy.argsort(stable=True).tolist()
    return [ranked[rank] for rank in spread(partition.cell_count)]


def picked(partition: Partition, cells: list[int]) -> Partition:
    """Return a partition with some of the cells, in the given order."""
    blocks = []
    wanted = set(cells)
    for block in partition.blocks:
        rows = [row for row, cell in enumerate(block.cells) if cell in wanted]
        if rows:
            kept = tuple(block.cells[row] for row in rows)
            blocks.append(replace(block, cells=kept, values=block.values[rows]))
    return replace(partition, blocks=tuple(blocks), picked=tuple(cells))
