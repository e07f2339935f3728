"""Products in registers are those of numpy, whatever the shapes and strides."""

import numpy as np
import pytest

from enas_inr.training import loops
from enas_inr.training.products import LANES, multiply_add_, padded

pytestmark = pytest.mark.skipif(not loops.available(), reason="the loops cannot be compiled")


def drawn(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 17])
@pytest.mark.parametrize("columns", [LANES, 2 * LANES, 3 * LANES])
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 6, 13])
def test_a_product_is_added_to_its_start(rows, columns, count):
    a, b = drawn(rows, count + 1), drawn(count, columns + 3)
    out = drawn(rows, columns + 2)
    before = out.copy()
    multiply_add_(
        a.ctypes.data, count + 1, 1,
        b.ctypes.data, columns + 3,
        out.ctypes.data, columns + 2,
        out.ctypes.data, columns + 2,
        rows, columns, count,
    )  # fmt: skip
    expected = before[:, :columns] + a[:, :count] @ b[:, :columns]
    np.testing.assert_allclose(out[:, :columns], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(out[:, columns:], before[:, columns:])


def test_the_first_matrix_can_be_transposed_and_the_start_be_one_row():
    a, b, start = drawn(5, 7), drawn(5, LANES), drawn(LANES)
    out = np.full((7, LANES), np.nan, np.float32)
    multiply_add_(
        a.ctypes.data, 1, 7, b.ctypes.data, LANES, start.ctypes.data, 0, out.ctypes.data, LANES,
        7, LANES, 5,
    )  # fmt: skip
    np.testing.assert_allclose(out, start + a.T @ b, rtol=1e-4, atol=1e-5)


def test_rows_end_with_whole_vectors():
    assert [padded(columns) for columns in (1, LANES, LANES + 1)] == [LANES, LANES, 2 * LANES]
