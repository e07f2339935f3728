"""Samples of the cells of a signal."""

import pytest
import torch

from enas_inr.signals.partition import cut, cut_some
from enas_inr.signals.stratified import nested_order


def test_cells_are_picked_from_calm_to_busy_ones():
    values = torch.randn(32, 32, 1, generator=torch.Generator().manual_seed(0))
    values *= torch.linspace(0.01, 1, 32)[:, None, None]  # busier from row to row
    order = nested_order(cut(values, (8, 8)))
    assert sorted(order) == list(range(64))
    rows = sorted(cell // 8 for cell in order[:8])
    assert rows[0] <= 1
    assert rows[-1] >= 6
    assert len(set(rows)) >= 5


def test_the_order_depends_on_the_values_alone():
    values = torch.rand(21, 19, 3, generator=torch.Generator().manual_seed(1))
    assert nested_order(cut(values, (4, 4))) == nested_order(cut(values.clone(), (4, 4)))


@pytest.mark.parametrize("margin", [0, 2])
def test_a_partition_with_some_cells_has_their_values(margin):
    values = torch.rand(21, 19, 3, generator=torch.Generator().manual_seed(1))
    whole = cut(values, (4, 4), margin)
    some = cut_some(values, (4, 4), [5, 0, 15], margin)
    assert some.picked == (5, 0, 15)
    assert sum(len(block.cells) for block in some.blocks) == 3
    kept = {
        cell: block.values[row] for block in some.blocks for row, cell in enumerate(block.cells)
    }
    for block in whole.blocks:
        for row, cell in enumerate(block.cells):
            if cell in kept:
                assert torch.equal(kept[cell], block.values[row])
    assert some.samples == sum(int(whole.weights[cell]) for cell in (5, 0, 15))
    assert whole.samples == 21 * 19
