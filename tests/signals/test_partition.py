import itertools
import math

import numpy as np
import pytest
import torch

from enas_inr.errors import SignalError
from enas_inr.signals.partition import assemble, cell_coordinates, cell_edges, cut
from tests.present import present

SHAPES_AND_GRIDS = [
    ((1,), (1,)),
    ((17,), (1,)),
    ((17,), (17,)),
    ((32_001,), (64,)),
    ((16, 16), (4, 4)),
    ((127, 93), (8, 8)),
    ((127, 93), (1, 93)),
    ((1, 9), (1, 4)),
    ((31, 64), (5, 16)),
    ((10, 11, 12), (3, 3, 3)),
    ((7, 5, 9), (2, 5, 4)),
    ((5, 6, 7, 8), (2, 4, 3, 3)),
    ((3, 3, 3, 3), (2, 2, 2, 2)),
]


def numbered(shape, channels=2):
    """Return a signal whose values are all different."""
    return torch.arange(math.prod(shape) * channels, dtype=torch.float64).reshape(*shape, channels)


def cells_by_slicing(values, grid):
    """Cut by the definition: slices between the edges, cells in row-major order."""
    edges = [cell_edges(n, m) for n, m in zip(values.shape, grid, strict=False)]
    spans = [list(itertools.pairwise(axis)) for axis in edges]
    return [
        values[tuple(slice(*span) for span in cell)].reshape(-1, values.shape[-1])
        for cell in itertools.product(*spans)
    ]


@pytest.mark.parametrize(("length", "cells"), [(1, 1), (10, 3), (127, 8), (93, 93), (16, 4)])
def test_edges_cover_the_axis_with_cells_that_differ_by_one_sample(length, cells):
    edges = cell_edges(length, cells)
    sizes = [stop - start for start, stop in itertools.pairwise(edges)]
    assert (edges[0], edges[-1], len(sizes)) == (0, length, cells)
    assert set(sizes) <= {length // cells, length // cells + 1}
    assert min(sizes) >= 1


@pytest.mark.parametrize(("shape", "grid"), SHAPES_AND_GRIDS)
def test_each_cell_is_the_slice_between_its_edges(shape, grid):
    values = numbered(shape)
    partition = cut(values, grid)
    expected = cells_by_slicing(values, grid)
    assert partition.cell_count == len(expected)
    seen: list[int] = []
    for block in partition.blocks:
        assert block.values.shape == (len(block.cells), math.prod(block.shape), 2)
        assert list(block.cells) == sorted(block.cells)
        for cell, found in zip(block.cells, block.values, strict=True):
            assert torch.equal(found, expected[cell])
        seen += block.cells
    assert sorted(seen) == list(range(partition.cell_count))


@pytest.mark.parametrize(("shape", "grid"), SHAPES_AND_GRIDS)
def test_every_sample_belongs_to_exactly_one_cell(shape, grid):
    partition = cut(numbered(shape), grid)
    found = torch.cat([block.values.flatten() for block in partition.blocks])
    assert torch.equal(found.sort().values, numbered(shape).flatten())
    assert int(partition.weights.sum()) == math.prod(shape)


@pytest.mark.parametrize(("shape", "grid"), SHAPES_AND_GRIDS)
def test_assembling_the_cells_gives_the_signal(shape, grid):
    values = numbered(shape)
    partition = cut(values, grid)
    assert torch.equal(assemble(partition, [b.values for b in partition.blocks]), values)


@pytest.mark.parametrize(("shape", "grid"), SHAPES_AND_GRIDS)
def test_blocks_are_few_and_their_shapes_differ(shape, grid):
    shapes = [block.shape for block in cut(numbered(shape), grid).blocks]
    assert len(shapes) == len(set(shapes)) <= 2 ** len(shape)


def test_a_grid_that_divides_the_signal_gives_one_block():
    (block,) = cut(numbered((16, 24)), (4, 8)).blocks
    assert (block.shape, block.cells) == ((4, 3), tuple(range(32)))


def test_weights_turn_the_errors_of_cells_into_that_of_the_signal():
    values = torch.randn(127, 93, 3, dtype=torch.float64)
    partition = cut(values, (8, 8))
    errors = torch.empty(partition.cell_count, dtype=torch.float64)
    for block in partition.blocks:
        errors[list(block.cells)] = block.values.square().mean(dim=(1, 2))
    whole = (errors * partition.weights).sum() / partition.weights.sum()
    torch.testing.assert_close(whole, values.square().mean())


def test_cutting_copies():
    values = torch.zeros(4, 1)
    partition = cut(values, (1,))
    partition.blocks[0].values.add_(1)
    assert (values == 0).all()


def test_a_view_is_cut_like_its_copy():
    values = numbered((9, 7)).transpose(0, 1)
    partition = cut(values, (2, 4))
    assert torch.equal(assemble(partition, [b.values for b in partition.blocks]), values)


def test_outputs_may_have_other_channels_and_gradients():
    partition = cut(numbered((9, 7)), (2, 3))
    outputs = [
        torch.ones(len(b.cells), math.prod(b.shape), 5, requires_grad=True)
        for b in partition.blocks
    ]
    whole = assemble(partition, outputs)
    assert whole.shape == (9, 7, 5)
    whole.sum().backward()
    assert all(torch.equal(present(output.grad), torch.ones_like(output)) for output in outputs)


def test_outputs_that_do_not_fit_are_refused():
    partition = cut(numbered((9, 7)), (2, 3))
    outputs = [block.values for block in partition.blocks]
    for wrong in (outputs[:-1], outputs[::-1], []):
        with pytest.raises(SignalError, match="do not fit"):
            assemble(partition, wrong)


@pytest.mark.parametrize("grid", [(0, 1), (1, -2), (10, 1), (1, 8)])
def test_a_grid_outside_the_signal_is_refused(grid):
    with pytest.raises(SignalError, match="cannot be cut into"):
        cut(numbered((9, 7)), grid)


@pytest.mark.parametrize("grid", [(), (2,), (2, 2, 2)])
def test_a_grid_needs_one_entry_per_axis(grid):
    with pytest.raises(SignalError, match="one entry per axis"):
        cut(numbered((9, 7)), grid)


def test_centers_put_the_first_and_last_sample_at_the_ends():
    coordinates = cell_coordinates((3, 2), "centers")
    assert coordinates.tolist() == [[-1, -1], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 1]]
    assert coordinates.dtype == torch.float32


@pytest.mark.parametrize("length", [2, 3, 7, 16, 93, 1000])
def test_centers_are_evenly_spaced(length):
    expected = torch.linspace(-1, 1, length, dtype=torch.float64).float()
    torch.testing.assert_close(cell_coordinates((length,), "centers").flatten(), expected)


def test_edges_put_the_samples_half_a_sample_inside():
    assert cell_coordinates((2, 1), "edges").tolist() == [[-0.5, 0], [0.5, 0]]
    torch.testing.assert_close(
        cell_coordinates((5,), "edges").flatten(), torch.tensor([-0.8, -0.4, 0.0, 0.4, 0.8])
    )


@pytest.mark.parametrize("convention", ["centers", "edges"])
@pytest.mark.parametrize("shape", [(1,), (8,), (1, 1), (4, 7), (3, 1, 5), (2, 3, 4, 5)])
def test_coordinates_are_symmetric_and_in_the_order_of_the_samples(shape, convention):
    coordinates = cell_coordinates(shape, convention)
    assert coordinates.shape == (math.prod(shape), len(shape))
    assert torch.equal(coordinates.flip(0), -coordinates)
    for axis, length in enumerate(shape):
        on_grid = coordinates[:, axis].reshape(shape).movedim(axis, 0).reshape(length, -1)
        assert (on_grid == on_grid[:, :1]).all()
        assert (on_grid.diff(dim=0) > 0).all()


@pytest.mark.parametrize("convention", ["centers", "edges"])
def test_a_cell_smaller_than_the_extent_has_the_coordinates_of_the_middle(convention):
    larger = cell_coordinates((9,), convention)
    assert torch.equal(cell_coordinates((5,), convention, extent=9), larger[2:-2])
    assert torch.equal(cell_coordinates((9,), convention, extent=9), larger)
    assert torch.equal(cell_coordinates((9,), convention, extent=4), larger)


@pytest.mark.parametrize("convention", ["centers", "edges"])
def test_a_margin_goes_on_with_equal_steps(convention):
    inner = cell_coordinates((5,), convention).flatten()
    outer = cell_coordinates((5,), convention, margin=2).flatten()
    torch.testing.assert_close(outer[2:-2], inner)
    torch.testing.assert_close(outer.diff(), inner.diff()[:1].expand(8))


@pytest.mark.parametrize(
    ("shape", "grid"), [((17,), (4,)), ((13, 9), (3, 2)), ((4, 5, 6), (2, 2, 3))]
)
@pytest.mark.parametrize("margin", [1, 3])
def test_a_margin_holds_the_neighbours_samples_and_repeats_the_outer_ones(shape, grid, margin):
    values = numbered(shape)
    padded = np.pad(values.numpy(), [(margin, margin)] * len(shape) + [(0, 0)], mode="edge")
    partition = cut(values, grid, margin)
    edges = [cell_edges(n, m) for n, m in zip(shape, grid, strict=True)]
    for block in partition.blocks:
        for cell, held in zip(block.cells, block.values, strict=True):
            index = np.unravel_index(cell, grid)
            inside = tuple(
                slice(axis[i], axis[i + 1] + 2 * margin)
                for axis, i in zip(edges, index, strict=True)
            )
            assert np.array_equal(held.numpy(), padded[inside].reshape(-1, 2))
    assert partition.weights.sum() == partition.samples


def test_a_single_sample_lies_in_the_middle():
    for convention in ("centers", "edges"):
        assert cell_coordinates((1, 1, 1), convention).tolist() == [[0, 0, 0]]
