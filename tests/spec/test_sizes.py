"""Grids that suit a signal."""

import pytest

from enas_inr.spec import SignalInfo
from enas_inr.spec.sizes import first_grid, suggested_grids


def signal(*shape):
    return SignalInfo(name="s", modality="m", shape=shape, channels=1)


@pytest.mark.parametrize(
    ("shape", "grids", "first"),
    [
        ((128, 128), (4, 8, 16, 32), 16),
        ((768, 1024), (32, 64, 128), 64),
        ((1024, 768), (32, 64, 128), 64),
        ((16, 16), (1, 2, 4), 2),
        ((32_000,), (4, 8, 16, 32), 16),
        ((308_207,), (64, 128, 256), 128),
        ((32, 32, 32), (2, 4, 8), 4),
        ((96, 96, 96, 96), (4, 8, 16, 32), 16),
        ((1, 64, 64), (4, 8, 16), 8),  # the single slice is one cell with any grid
        ((3, 500), (16, 32, 64), 64),
        ((2, 2), (1, 2), 1),
    ],
)
def test_cells_have_few_samples(shape, grids, first):
    assert suggested_grids(signal(*shape)) == grids
    assert first_grid(signal(*shape)) == first


@pytest.mark.parametrize("shape", [(1,), (2,), (1, 1), (3, 500), (999,), (2, 2, 2), (1, 9, 9, 9)])
def test_a_small_signal_has_grids_that_can_cut_it(shape):
    grids = suggested_grids(signal(*shape))
    assert grids
    assert max(grids) <= max(shape)
    assert first_grid(signal(*shape)) in grids
