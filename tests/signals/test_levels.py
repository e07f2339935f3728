"""Numbers of any type become values from -1 to 1, and come back."""

import numpy as np
import pytest
import torch

from enas_inr.signals.levels import DTYPES, Levels
from enas_inr.signals.signal import Signal

WHOLE = [name for name in DTYPES if np.dtype(name).kind in "iu"]


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_every_type_come_back(dtype, double):
    numbers = (np.arange(60) % (2 if dtype == "bool" else 60)).reshape(3, 4, 5).astype(dtype)
    levels = Levels(dtype, 0, float(numbers.max()))
    values = levels.values(numbers, double=double)
    assert (float(values.min()), float(values.max())) == (-1, 1)
    again = levels.numbers(values, double=double)
    assert again.dtype == numbers.dtype
    np.testing.assert_allclose(again, numbers, atol=0 if np.dtype(dtype).kind != "f" else 1e-2)


@pytest.mark.parametrize("dtype", WHOLE)
def test_the_limits_of_a_type_do_not_overflow(dtype):
    numbers = Levels.of_type(dtype).numbers(torch.tensor([-2.0, -1.0, 1.0, 2.0]))
    largest = int(np.iinfo(dtype).max)
    assert numbers[:2].tolist() == [0, 0]
    assert [largest - number < 2**12 for number in numbers[2:].tolist()] == [True, True]


def test_eight_bits_are_scaled_in_single_precision_or_in_double():
    numbers = np.arange(256, dtype=np.uint8)
    paper = torch.arange(256, dtype=torch.float32) / 127.5 - 1
    exact = (torch.arange(256, dtype=torch.float64) - 127.5) / 127.5
    assert torch.equal(Levels().values(numbers), paper)
    assert torch.equal(Levels().values(numbers, double=True), exact.float())
    assert not torch.equal(paper, exact.float())


def test_large_signals_are_converted_part_by_part(tmp_path):
    numbers = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.int16, (5, 2**19))
    numbers[:] = np.arange(-2, 3)[:, None]
    levels = Levels("int16", -2, 2)
    values = levels.values(numbers)
    assert values[:, 7].tolist() == [-1, -0.5, 0, 0.5, 1]
    np.testing.assert_array_equal(levels.numbers(values), numbers)


@pytest.mark.parametrize(("dtype", "high"), [("int64", 300), ("uint64", 2**40), ("bool", 1)])
def test_a_signal_gives_back_types_that_only_plugins_read(dtype, high):
    meta = {"dtype": dtype, "range": [0.0, float(high)]}
    signal = Signal(torch.tensor([[-1.0], [1.0]]), "volume", "test", meta=meta)
    numbers = signal.numpy()
    assert numbers.dtype == dtype
    assert numbers.tolist() == [0, high]
