"""Samples of the cells of a signal, which estimate the loss of the whole signal.

Cells are independent, so the mean loss of some of them estimates that of all. The cells are sorted
by how busy they are (the standard deviation of their values), and picked from that list in the
order of `enas_inr.estimate.spread`: every beginning of it is about a stratified sample, and a
longer one contains a shorter one.
"""

from __future__ import annotations

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
