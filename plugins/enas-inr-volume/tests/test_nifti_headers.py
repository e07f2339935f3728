"""Headers of NIfTI files: what is kept, and what contradicts the data."""

import gzip
import struct
from dataclasses import replace
from typing import Any

import nibabel
import numpy as np
import pytest
from enas_inr_volume.volume import VolumeModality

import enas_inr
from enas_inr.errors import SignalError, warn_once

NUMBERS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
TURNED = np.array([[0, -2.0, 0.1, 90], [1.5, 0, 0, -60], [0, 0.2, 3, 12], [0, 0, 0, 1]])
SCANNER = np.array([[2.0, 0, 0, -5], [0, 1.8, -1.2, 7], [0, 0.8, 2.7, 9], [0, 0, 0, 1]])


def content(numbers=NUMBERS, make=nibabel.Nifti1Image, **fields):
    image = make(numbers, None, dtype=numbers.dtype)
    image.set_qform(SCANNER, code=1)
    image.set_sform(TURNED, code=4)
    image.header.set_xyzt_units("mm", "sec")
    for name, value in fields.items():
        image.header[name] = value
    return bytearray(image.to_bytes())


@pytest.fixture
def said(caplog):
    warn_once.cache_clear()
    return caplog


def read(path, written=None):
    if written is not None:
        path.write_bytes(written)
    return VolumeModality().read(path)


def again(tmp_path, written, name="b.nii"):
    """Read a file, write it again, and return the header and the numbers."""
    VolumeModality().write(read(tmp_path / "a.nii", written), tmp_path / name)
    image = opened(tmp_path / name)
    return image.header, np.asarray(image.dataobj)


def opened(path) -> Any:
    return nibabel.load(path)


def patched(written, at, form, *values):
    struct.pack_into(form, written, at, *values)
    return written


def test_both_coordinates_and_other_fields_come_back_exactly(tmp_path):
    fields = {
        "descrip": b"a scan of Jos\xe9",
        "aux_file": b"other.nii",
        "intent_code": 3,
        "intent_p1": 12.5,
        "intent_name": b"t-test",
        "cal_min": -3.5,
        "cal_max": 40.25,
        "toffset": 0.5,
    }
    written = content(**fields)
    header, numbers = again(tmp_path, written)
    first = nibabel.Nifti1Header(bytes(written[:348]))
    for name in (*fields, "qform_code", "sform_code", "pixdim", "srow_x", "srow_y", "srow_z"):
        np.testing.assert_array_equal(header[name], first[name], err_msg=name)
    for name in ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"):
        assert header[name] == first[name], name
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 4)
    np.testing.assert_array_equal(numbers, NUMBERS)


def test_a_rendering_has_both_coordinates_in_proportion(tmp_path):
    model = enas_inr.fit(
        read(tmp_path / "a.nii", content()),
        grid=2, depth=0, width=4, steps=1, output=tmp_path / "m.inr",
    ).model  # fmt: skip
    VolumeModality().write(model.render(scale=2), tmp_path / "r.nii")
    header = opened(tmp_path / "r.nii").header
    half = np.diag([0.5, 0.5, 0.5, 1.0])
    half[:3, 3] = -0.25
    np.testing.assert_allclose(header.get_sform(), TURNED @ half, atol=1e-5)
    np.testing.assert_allclose(header.get_qform(), SCANNER @ half, atol=1e-4)


@pytest.mark.parametrize(
    ("numbers", "slope"),
    [
        (NUMBERS, (0.5, -1000.0)),
        (NUMBERS.astype(np.uint16) * 1000, None),
        (NUMBERS.astype(np.float64) / 7, None),
        (NUMBERS.astype(np.int32) - 30, (2.0, 0.0)),
        (NUMBERS.astype(np.uint8), None),
    ],
)
def test_stored_numbers_and_their_scale_are_kept(tmp_path, numbers, slope):
    written = content(numbers)
    if slope:
        patched(written, 112, "<2f", *slope)
    header, values = again(tmp_path, written)
    assert header.get_data_dtype() == numbers.dtype
    wanted = numbers * slope[0] + slope[1] if slope else numbers
    np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("colours", [3, 4])
def test_colours_are_channels(tmp_path, colours):
    levels = np.random.default_rng(0).integers(0, 256, (3, 4, 5, colours), dtype=np.uint8)
    plain = levels.view([(name, "u1") for name in "RGBA"[:colours]])[..., 0]
    written = content(plain)
    signal = read(tmp_path / "a.nii", written)
    assert signal.values.shape == (5, 4, 3, colours)
    assert float(signal.values[1, 2, 0, 1]) == pytest.approx(levels[0, 2, 1, 1] / 127.5 - 1)
    header, numbers = again(tmp_path, written)
    assert header.get_data_dtype().names == plain.dtype.names
    np.testing.assert_array_equal(numbers, plain)


def test_nifti_2_stays_nifti_2(tmp_path):
    written = content(make=nibabel.Nifti2Image)
    header, numbers = again(tmp_path, written)
    assert isinstance(header, nibabel.Nifti2Header)
    np.testing.assert_array_equal(numbers, NUMBERS)


def test_a_picture_is_a_volume_of_one_slice(tmp_path):
    signal = read(tmp_path / "a.nii", content(NUMBERS[:, :, 0]))
    assert signal.values.shape == (1, 4, 3, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_an_sform_that_is_none_gives_way_to_the_qform(tmp_path, said, bad):
    written = patched(content(), 280, "<4f", *[bad] * 4)
    signal = read(tmp_path / "a.nii", written)
    assert signal.meta["codes"] == [1, 0]
    np.testing.assert_allclose(np.array(signal.meta["affine"]), SCANNER, atol=1e-5)
    (line,) = said.messages
    assert "a sform that is not valid" in line
    path = tmp_path / "m.inr"
    enas_inr.fit(signal, grid=2, depth=0, width=4, steps=1, output=path)
    assert enas_inr.load(path).header.meta["codes"] == [1, 0]


@pytest.mark.parametrize(
    ("at", "form", "values", "says"),
    [
        (256, "<3f", (np.nan, 0, 0), "a qform that is not valid"),
        (256, "<3f", (5, 5, 5), "a qform that is not valid"),
        (80, "<3f", (np.nan, 1, 1), "no valid size of a voxel"),
        (108, "<f", (0.0,), "no place of the voxels"),
        (108, "<f", (np.nan,), "no place of the voxels"),
        (108, "<f", (100.0,), "no place of the voxels"),
        (112, "<2f", (2.0, np.nan), "no valid intercept"),
    ],
)
def test_a_wrong_field_is_said_and_the_voxels_are_right(tmp_path, said, at, form, values, says):
    signal = read(tmp_path / "a.nii", patched(content(), at, form, *values))
    levels = (signal.values[..., 0].double().numpy() + 1) * 29.5
    np.testing.assert_allclose(levels, NUMBERS.T, atol=1e-5)
    (line,) = said.messages
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize("size", [0, 8, 17, 1000, -16, 2**30])
def test_extensions_of_a_wrong_size_do_not_matter(tmp_path, said, size):
    image = nibabel.Nifti1Image(NUMBERS, TURNED)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"hello world"))
    written = patched(bytearray(image.to_bytes()), 352, "<i", size)
    signal = read(tmp_path / "a.nii", written)
    levels = (signal.values[..., 0].double().numpy() + 1) * 29.5
    np.testing.assert_allclose(levels, NUMBERS.T, atol=1e-5)
    assert "extensions, which are not kept" in said.messages[0]


def test_the_content_decides_whether_a_file_is_compressed(tmp_path):
    plain = read(tmp_path / "a.nii", content())
    for name, written in (("b.nii", gzip.compress(content())), ("c.nii.gz", content())):
        assert read(tmp_path / name, written).values.equal(plain.values)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    whole = bytes(content(np.random.default_rng(0).integers(0, 999, (9, 9, 9), dtype=np.int16)))
    whole = gzip.compress(whole) if suffix == ".nii.gz" else whole
    for left in (1, 200, 360, len(whole) - 9, len(whole) - 1):
        (tmp_path / f"a{suffix}").write_bytes(whole[:left])
        with pytest.raises(SignalError, match="not a NIfTI image or is damaged"):
            read(tmp_path / f"a{suffix}")


def test_the_first_number_that_is_not_finite_is_named(tmp_path):
    numbers = NUMBERS.astype(np.float32)
    numbers[2, 1, 3] = numbers[0, 0, 4] = np.nan
    with pytest.raises(SignalError, match=r"2 of 60 values\), the first at \[3, 1, 2, 0\]"):
        read(tmp_path / "a.nii", content(numbers))


def test_a_constant_volume_and_one_voxel_come_back(tmp_path):
    for numbers in (np.full((2, 3, 4), 7, np.int16), np.full((1, 1, 1), -2.5, np.float32)):
        signal = read(tmp_path / "a.nii", content(numbers))
        assert (signal.values == 0).all()
        _, found = again(tmp_path, content(numbers))
        np.testing.assert_array_equal(found, numbers)
        changed = replace(signal, values=signal.values + 0.1)
        VolumeModality().write(changed, tmp_path / "c.nii")
        np.testing.assert_array_equal(np.asarray(opened(tmp_path / "c.nii").dataobj), numbers)
