import gzip
from dataclasses import replace
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from enas_inr_volume import volume as volumes
from enas_inr_volume.options import VolumeOptions
from enas_inr_volume.volume import VolumeModality

import enas_inr
from enas_inr.errors import SignalError
from enas_inr.signals.levels import DTYPES
from enas_inr.signals.signal import Signal
from enas_inr.testing import ModalitySuite, installed, toy_signal

SUFFIXES = [".npy", ".nii", ".nii.gz"]
AFFINE = np.array([[0, -2.0, 0, 90], [1.5, 0, 0, -60], [0, 0, 3, 12], [0, 0, 0, 1]])


class TestVolume(ModalitySuite):
    @pytest.fixture
    def plugin(self):
        return installed("modality", "volume")


def read(path, **options):
    return VolumeModality(VolumeOptions(**options)).read(path)


def write(signal, path):
    VolumeModality().write(signal, path)
    return path


def noise(*shape, dtype="float32", low=0, high=100, seed=0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def npy(path, array):
    np.save(path, array)
    return path


def nii(path, array, affine=AFFINE, **fields):
    image = nibabel.Nifti1Image(array, affine, dtype=array.dtype)
    for name, value in fields.items():
        getattr(image.header, f"set_{name}")(*value)
    path.write_bytes(gzip.compress(image.to_bytes()) if path.suffix == ".gz" else image.to_bytes())
    return path


def opened(path) -> Any:
    """Return an image with the types of NIfTI, which the annotations of `nibabel.load` lack."""
    return nibabel.load(path)


def loaded(path):
    return np.load(path) if path.suffix == ".npy" else np.asanyarray(opened(path).dataobj)


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_every_type_are_written_as_they_were_read(tmp_path, dtype, shape):
    numbers = noise(*shape, dtype=dtype, high=2 if dtype == "bool" else 100)
    signal = read(npy(tmp_path / "a.npy", numbers))
    signal.check()
    again = np.load(write(signal, tmp_path / "b.npy"))
    assert again.dtype == numbers.dtype
    exact = np.dtype(dtype).kind != "f"
    np.testing.assert_allclose(again, numbers, rtol=0, atol=0 if exact else 1e-5 * 100)


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name not in ("bool", "float16")])
def test_nifti_keeps_every_type_that_it_has(tmp_path, dtype):
    numbers = noise(3, 4, 5, dtype=dtype)
    signal = read(nii(tmp_path / "a.nii.gz", numbers))
    image = opened(write(signal, tmp_path / "b.nii"))
    assert image.get_data_dtype() == numbers.dtype
    np.testing.assert_allclose(np.asanyarray(image.dataobj), numbers, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(image.affine, AFFINE)


@pytest.mark.parametrize(("dtype", "kept"), [("float16", "float32"), ("bool", "uint8")])
def test_types_that_nifti_lacks_are_replaced(tmp_path, dtype, kept):
    numbers = noise(3, 4, 5, dtype=dtype, high=2)
    signal = read(npy(tmp_path / "a.npy", numbers))
    image = opened(write(signal, tmp_path / "a.nii"))
    assert image.get_data_dtype() == kept
    np.testing.assert_allclose(image.get_fdata(), numbers.transpose(2, 1, 0), atol=1e-3)


@pytest.mark.parametrize(
    ("dtype", "scale", "limits"),
    [
        ("uint8", "auto", (0, 255)),
        ("int8", "auto", (-128, 127)),
        ("uint8", "data", (10, 60)),
        ("int16", "auto", (10, 60)),
        ("int16", "type", (-32768, 32767)),
        ("uint32", "type", (0, 2**32 - 1)),
        ("float32", "type", (10, 60)),
        ("bool", "data", (0, 1)),
    ],
)
def test_the_meaning_of_minus_one_and_one(tmp_path, dtype, scale, limits):
    numbers = np.linspace(10, 60, 27).reshape(3, 3, 3).astype(dtype)
    signal = read(npy(tmp_path / "a.npy", numbers), scale=scale)
    low, high = limits
    assert signal.meta["range"] == [low, high]
    expected = (numbers.astype(float) - low) / (high - low) * 2 - 1
    np.testing.assert_allclose(signal.values[..., 0], expected, atol=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_constant_volume_comes_back(tmp_path, suffix):
    numbers = np.full((3, 4, 5), 7.25, np.float64)
    make = npy if suffix == ".npy" else nii
    signal = read(make(tmp_path / f"a{suffix}", numbers))
    assert (signal.values == 0).all()
    assert (loaded(write(signal, tmp_path / f"b{suffix}")) == 7.25).all()


def test_values_beyond_the_range_are_clamped(tmp_path):
    signal = read(npy(tmp_path / "a.npy", noise(3, 4, 5, dtype="uint8")))
    bright = replace(signal, values=signal.values * 0 + 1.5)
    assert (np.load(write(bright, tmp_path / "b.npy")) == 255).all()


def test_the_largest_extremes_do_not_overflow(tmp_path):
    numbers = np.linspace(-1, 1, 27).reshape(3, 3, 3) * 1.7e308
    signal = read(npy(tmp_path / "a.npy", numbers))
    np.testing.assert_allclose(signal.values.flatten(), np.linspace(-1, 1, 27), atol=1e-6)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<i2", ">i2"])
def test_arrays_in_any_order_of_bytes_and_axes_are_read(tmp_path, order, dtype):
    numbers = np.asarray(np.arange(60).reshape(3, 4, 5), dtype=dtype, order=order)
    signal = read(npy(tmp_path / "a.npy", numbers))
    assert (signal.values.shape, signal.name, signal.meta["dtype"]) == ((3, 4, 5, 1), "a", "int16")
    np.testing.assert_allclose(signal.values.flatten(), np.linspace(-1, 1, 60), atol=1e-6)


def test_nifti_has_its_axes_in_reverse_order(tmp_path):
    numbers = noise(3, 4, 5)
    signal = read(nii(tmp_path / "a.nii", numbers))
    assert signal.values.shape == (5, 4, 3, 1)
    np.testing.assert_allclose(
        (signal.values[..., 0].numpy() + 1) / 2,
        (numbers.transpose(2, 1, 0) - numbers.min()) / np.ptp(numbers),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((3, 4, 5, 1), {}, (5, 4, 3, 1)),
        ((3, 4, 5, 6), {}, (6, 5, 4, 3, 1)),
        ((3, 4, 5, 6), {"channels_last": True}, (5, 4, 3, 6)),
        ((3, 4, 5, 1, 2), {}, (5, 4, 3, 2)),
        ((3, 4, 5, 6, 2), {}, (6, 5, 4, 3, 2)),
    ],
)
def test_dimensions_of_nifti(tmp_path, shape, options, expected):
    numbers = noise(*shape)
    signal = read(nii(tmp_path / "a.nii", numbers), **options)
    assert signal.values.shape == expected
    image = opened(write(signal, tmp_path / "b.nii"))
    np.testing.assert_allclose(image.get_fdata().squeeze(), numbers.squeeze(), atol=1e-4)
    again = read(tmp_path / "b.nii", **options)
    assert again.meta == signal.meta
    torch.testing.assert_close(again.values, signal.values)


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((3, 4, 5, 6), {}, (3, 4, 5, 6, 1)),
        ((3, 4, 5, 2), {"channels_last": True}, (3, 4, 5, 2)),
        ((3, 4, 5, 1), {"channels_last": True}, (3, 4, 5, 1)),
        ((3, 4, 5, 6, 2), {"channels_last": True}, (3, 4, 5, 6, 2)),
        ((3, 4, 5), {"channels_last": True}, (3, 4, 5, 1)),
    ],
)
def test_dimensions_of_arrays(tmp_path, shape, options, expected):
    numbers = noise(*shape)
    signal = read(npy(tmp_path / "a.npy", numbers), **options)
    assert signal.values.shape == expected
    np.testing.assert_allclose(np.load(write(signal, tmp_path / "b.npy")), numbers, atol=1e-4)


def test_several_channels_from_elsewhere_become_the_last_dimension(tmp_path):
    signal = toy_signal((3, 4, 5), 2, modality="volume")
    assert np.load(write(signal, tmp_path / "a.npy")).shape == (3, 4, 5, 2)
    assert opened(write(signal, tmp_path / "a.nii")).shape == (5, 4, 3, 1, 2)


def test_slope_and_intercept_stay_with_the_stored_integers(tmp_path):
    stored = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    path = nii(tmp_path / "a.nii.gz", stored, slope_inter=(0.5, -10))
    signal = read(path)
    assert (signal.meta["dtype"], signal.meta["range"]) == ("int16", [0, 59])
    image = opened(write(signal, tmp_path / "b.nii.gz"))
    assert np.array_equal(image.dataobj.get_unscaled(), stored)
    np.testing.assert_allclose(image.get_fdata(), stored * 0.5 - 10)
    assert read(tmp_path / "b.nii.gz").meta == signal.meta
    physical = np.load(write(signal, tmp_path / "b.npy"))  # which has no slope
    np.testing.assert_allclose(physical, (stored * 0.5 - 10).transpose(2, 1, 0))


def world(image, *voxel):
    return image.affine @ [*voxel, 1]


def test_a_rendering_lies_where_the_original_did(tmp_path):
    nii(tmp_path / "a.nii", noise(6, 8, 4))
    model = fitted(tmp_path / "a.nii", tmp_path)
    original = opened(tmp_path / "a.nii")

    def rendered(**asked):
        return opened(write(model.render(**asked), tmp_path / "r.nii"))

    np.testing.assert_array_equal(rendered().affine, AFFINE)
    twice = rendered(scale=2)
    assert twice.shape == (12, 16, 8)
    np.testing.assert_allclose(twice.header.get_zooms(), np.array([1.5, 2, 3]) / 2)
    # The outer edges stay: half a voxel before the first and after the last voxel.
    np.testing.assert_allclose(world(twice, -0.5, -0.5, -0.5), world(original, -0.5, -0.5, -0.5))
    np.testing.assert_allclose(world(twice, 11.5, 15.5, 7.5), world(original, 5.5, 7.5, 3.5))
    part = rendered(window=[(1, 3), (2, 8), (3, 6)])  # z, y, x
    np.testing.assert_allclose(world(part, 0, 0, 0), world(original, 3, 2, 1))
    np.testing.assert_allclose(part.header.get_zooms(), (1.5, 2, 3))


def fitted(path, folder, **options):
    result = enas_inr.fit(
        str(path),
        architecture={"grid": 2, "depth": 1, "width": 8},
        training={"steps": 2},
        output=folder / "m.inr",
        signal_options=options,
        force=True,
    )
    return result.model


def test_the_step_of_time_and_the_units_are_kept_and_scaled(tmp_path):
    path = nii(
        tmp_path / "a.nii", noise(4, 5, 6, 8), zooms=((1.5, 2, 3, 0.8),), xyzt_units=("mm", "sec")
    )
    model = fitted(path, tmp_path)
    assert model.header.signal.shape == (8, 6, 5, 4)
    image = opened(write(model.render(size=(4, 6, 5, 4)), tmp_path / "r.nii"))
    assert image.header.get_zooms()[3] == pytest.approx(1.6)
    assert image.header.get_xyzt_units() == ("mm", "sec")


@pytest.mark.parametrize("codes", [(0, 0), (1, 0), (1, 2), (0, 3)])
def test_the_codes_of_the_coordinates_are_kept(tmp_path, codes):
    image = nibabel.Nifti1Image(noise(3, 4, 5), AFFINE)
    image.set_qform(AFFINE, code=codes[0])
    image.set_sform(AFFINE, code=codes[1])
    (tmp_path / "a.nii").write_bytes(image.to_bytes())
    signal = read(tmp_path / "a.nii")
    again = opened(write(signal, tmp_path / "b.nii"))
    assert (int(again.header["qform_code"]), int(again.header["sform_code"])) == codes
    np.testing.assert_allclose(again.affine, opened(tmp_path / "a.nii").affine, atol=1e-5)


def test_nifti_2_is_read(tmp_path):
    (tmp_path / "a.nii").write_bytes(nibabel.Nifti2Image(noise(3, 4, 5), AFFINE).to_bytes())
    assert read(tmp_path / "a.nii").values.shape == (5, 4, 3, 1)


def refused(path, **options):
    with pytest.raises(SignalError) as caught:
        read(path, **options)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (np.zeros((3, 3, 3), complex), "holds numbers of type complex128; use one of: bool"),
        (np.zeros((3, 3, 3), "datetime64[s]"), "numbers of type datetime64"),
        (np.zeros((3, 3, 3), "U4"), "numbers of type <U4"),
        (np.zeros((3, 3, 3), [("a", "f4")]), "numbers of type"),
        (np.zeros((3, 3)), "has 2 dimensions (3x3); give three or four"),
        (np.zeros(()), "has 0 dimensions (a number)"),
        (np.zeros((2,) * 5), "use channels_last=true if the last of five holds channels"),
        (np.zeros((3, 0, 3)), "holds no samples"),
        (np.full((3, 3, 3), np.nan), "holds NaN or infinity (27 of 27 values)"),
        (np.array([[[0.0, np.inf]]]), "holds NaN or infinity (1 of 2 values)"),
        (np.array([[[0, 2**60]]]), "integers from 0 to 1152921504606846976, beyond 2^53"),
    ],
)
def test_files_that_are_not_volumes_are_refused_in_one_line(tmp_path, numbers, message):
    assert message in refused(npy(tmp_path / "a.npy", numbers))


def test_64_bits_are_not_scaled_by_their_type(tmp_path):
    path = npy(tmp_path / "a.npy", np.zeros((2, 2, 2), np.int64))
    assert "use scale=data" in refused(path, scale="type")


def test_python_objects_are_never_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "evil"), "w")

    np.save(tmp_path / "a.npy", np.array([[[Evil()]]], dtype=object), allow_pickle=True)
    refused(tmp_path / "a.npy")
    assert not (tmp_path / "evil").exists()


def test_too_many_numbers_are_refused_before_they_are_read(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (4096, 4096, 4096)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4096**3)  # a sparse file, which uses no disk space
    assert "4096x4096x4096 = 68,719 million numbers" in refused(tmp_path / "a.npy")
    nifti = nibabel.Nifti1Header()
    nifti.set_data_shape((4096, 4096, 4096))
    (tmp_path / "a.nii").write_bytes(nifti.binaryblock + bytes(100))
    assert "limit is 268 million" in refused(tmp_path / "a.nii")


def test_complex_nifti_is_refused(tmp_path):
    nii(tmp_path / "a.nii", np.zeros((3, 3, 3), np.complex64))
    assert "complex64" in refused(tmp_path / "a.nii")


def test_another_format_behind_the_suffix_is_refused(tmp_path):
    image = nibabel.MGHImage(noise(3, 3, 3), np.eye(4))
    (tmp_path / "a.nii").write_bytes(image.to_bytes())
    assert "not a NIfTI image" in refused(tmp_path / "a.nii")


def test_an_axis_that_nifti_cannot_hold_is_one_line(tmp_path):
    signal = Signal(torch.zeros(1, 2, 40_000, 1), "volume", "long")
    with pytest.raises(SignalError, match=r"cannot be written: .*; use \.npy"):
        write(signal, tmp_path / "a.nii")
    write(signal, tmp_path / "a.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_equal_volumes_give_equal_files(tmp_path):
    signal = toy_signal((3, 4, 5), modality="volume")
    first, second = (write(signal, tmp_path / f"{n}.nii.gz").read_bytes() for n in "ab")
    assert first == second


def test_the_limit_is_exact():
    assert volumes.MAX_NUMBERS * 4 == 2**30
