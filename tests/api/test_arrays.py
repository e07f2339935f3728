"""A NumPy array is a picture, or is refused with the reason."""

from typing import Any

import numpy as np
import pytest
import torch

import enas_inr
from enas_inr.errors import SignalError
from enas_inr.signals.arrays import signal_of
from tests.signals.pictures.picture_files import oiio_read, pixels

TINY: dict[str, Any] = {
    "architecture": {"grid": 2, "width": 4, "depth": 1},
    "training": {"steps": 2},
}


def fitted(array, tmp_path):
    return enas_inr.fit(array, **TINY, output=str(tmp_path / "a.inr")).model


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 1), (8, 9, 3), (8, 9, 4)])
def test_an_array_of_floats_from_0_to_1_is_fitted(shape, tmp_path):
    array = np.random.default_rng(0).random(shape)
    header = fitted(array, tmp_path).header
    assert header.signal.modality == "image"
    assert header.signal.shape == (8, 9)
    assert header.signal.channels == (shape[2] if len(shape) == 3 else 1)
    assert header.meta["dtype"] == "float64"


def test_an_array_is_searched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    array = pixels(8, 8, 3)
    found = enas_inr.search(
        array, grid=1, widths=[4], depths=[1], training={"steps": 2}, repeats=1, study="array"
    )
    assert found.spec.signal.fingerprint == signal_of(array).info().fingerprint


def test_arrays_are_a_set(tmp_path):
    arrays = [pixels(8, 8, 3, seed=seed) for seed in range(2)]
    enas_inr.fit_many(arrays, **TINY, output=str(tmp_path / "models"))
    names = {path.name for path in (tmp_path / "models").glob("*.inr")}
    assert names == {"array.inr", "array-2.inr"}


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [-1, 1]),
        (np.array([[0, 65535]], np.uint16), [-1, 1]),
        (np.array([[0, 65535]], ">u2"), [-1, 1]),
        (np.array([[False, True]]), [-1, 1]),
        (np.array([[0, 0.25, 1]], np.float32), [-1, -0.5, 1]),
        (np.array([[0, 0.25, 1]], np.float16), [-1, -0.5, 1]),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_the_range_of_a_type_becomes_minus_1_to_1(array, expected):
    signal = signal_of(array)
    assert signal.values.dtype == torch.float32
    assert signal.values.flatten().tolist() == expected
    signal.check()


def test_an_array_is_not_changed():
    array = np.random.default_rng(0).random((4, 4, 3)).astype(np.float32)
    before = array.copy()
    signal_of(array).values.zero_()
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(5), "shape \\(5,\\) and type float64 is not a picture"),
        (np.zeros((4, 4, 2)), "is not a picture"),
        (np.zeros((0, 4)), "4x0 pixels"),
        (
            np.array([[-1.0, 1.0]]),
            "numbers from -1 to 1, not 0 to 1; give range=\\(low, high\\)",
        ),
        (np.array([[0, 255.0]]), "numbers from 0 to 255, not 0 to 1"),
        (np.array([[0, np.nan]]), "1 NaN or infinite value among 2"),
        (np.array([[0, 9]], np.int64), "no known range; give uint8 from 0 to 255, uint16"),
        (np.array([["a"]]), "no known range"),
        (np.array([[None]]), "no known range"),
        (np.array([[1 + 2j]]), "no known range"),
    ],
    ids=range(10),
)
def test_what_is_no_picture_of_a_known_range_is_refused(array, said):
    with pytest.raises(SignalError, match=said):
        enas_inr.fit(array)


def test_the_picture_of_a_float_array_is_rendered_as_floats(tmp_path):
    model = fitted(np.random.default_rng(0).random((8, 9)).astype(np.float32), tmp_path)
    from enas_inr.plugins.catalog import load_catalog
    from enas_inr.signals.loading import save_signal

    save_signal(load_catalog(), model.render(), tmp_path / "a.tif")
    assert oiio_read(tmp_path / "a.tif").dtype == np.float32
