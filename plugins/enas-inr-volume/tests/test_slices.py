"""NRRD files, series of DICOM slices, and pages of TIFF files."""

import shlex
import sys
import zipfile
from io import BytesIO
from typing import Any

import nibabel
import numpy as np
import pytest
from enas_inr_volume.volume import VolumeModality
from PIL import Image

import enas_inr
from enas_inr.cli.main import run
from enas_inr.errors import SignalError

NUMBERS = np.random.default_rng(0).integers(-1000, 3000, (3, 4, 5), dtype=np.int16)  # x y z


def levels(signal):
    """The numbers of a signal, with axes x, y, z."""
    low, high = signal.meta["range"]
    return ((signal.values[..., 0].double().numpy() + 1) / 2 * (high - low) + low).T


def write(signal, path):
    VolumeModality().write(signal, path)
    return path


def load(path):
    return VolumeModality().read(path)


DIRECTIONS = np.array([[0.0, 1.5, 0.1], [-2.0, 0, 0], [0, 0.2, 3.0]])
ORIGIN = np.array([10.0, -20.0, 30.0])


def nrrd_file(path, numbers=NUMBERS, **header):
    nrrd = pytest.importorskip("nrrd")
    usual = {
        "space": "left-posterior-superior",
        "space directions": DIRECTIONS,
        "space origin": ORIGIN,
        "kinds": ["domain"] * 3,
        "encoding": "gzip",
    }
    nrrd.write(str(path), numbers, usual | header)
    return path


def test_nrrd_keeps_its_numbers_and_its_space(tmp_path):
    signal = load(nrrd_file(tmp_path / "a.nrrd"))
    assert (signal.name, signal.values.shape) == ("a", (5, 4, 3, 1))
    np.testing.assert_allclose(levels(signal), NUMBERS, atol=1e-3)
    nrrd = pytest.importorskip("nrrd")
    numbers, header = nrrd.read(str(write(signal, tmp_path / "b.nrrd")))
    assert numbers.dtype == np.int16
    np.testing.assert_array_equal(numbers, NUMBERS)
    np.testing.assert_allclose(header["space directions"], DIRECTIONS)
    np.testing.assert_allclose(header["space origin"], ORIGIN)
    assert header["space"] == "left-posterior-superior"
    first = (tmp_path / "b.nrrd").read_bytes()
    assert write(signal, tmp_path / "b.nrrd").read_bytes() == first


def test_nrrd_and_nifti_agree_about_space(tmp_path):
    path = write(load(nrrd_file(tmp_path / "a.nrrd")), tmp_path / "b.nii")
    wanted = np.eye(4)
    wanted[:3, :3], wanted[:3, 3] = DIRECTIONS.T, ORIGIN
    wanted[:2] *= -1  # left, posterior becomes right, anterior
    image = nibabel.Nifti1Image.from_filename(path)
    np.testing.assert_allclose(image.affine, wanted, atol=1e-5)
    nrrd = pytest.importorskip("nrrd")
    _, header = nrrd.read(str(write(load(path), tmp_path / "c.nrrd")))
    assert header["space"] == "right-anterior-superior"
    np.testing.assert_allclose(header["space directions"], wanted[:3, :3].T, atol=1e-5)


def test_a_rendering_of_nrrd_has_steps_in_proportion(tmp_path):
    signal = load(nrrd_file(tmp_path / "a.nrrd"))
    model = enas_inr.fit(signal, grid=1, depth=0, width=4, steps=1, output=tmp_path / "m.inr").model
    nrrd = pytest.importorskip("nrrd")
    _, header = nrrd.read(str(write(model.render(scale=2), tmp_path / "r.nrrd")))
    np.testing.assert_allclose(header["space directions"], DIRECTIONS / 2)
    np.testing.assert_allclose(header["space origin"], ORIGIN - DIRECTIONS.sum(0) / 4)


@pytest.mark.parametrize("axis", [0, 3])
def test_an_axis_of_nrrd_that_is_not_of_space_holds_channels(tmp_path, axis):
    coloured = np.stack([NUMBERS, NUMBERS + 1], axis)
    kinds = ["domain"] * 3
    kinds.insert(axis, "vector")
    directions = [*DIRECTIONS]
    directions.insert(axis, np.full(3, np.nan))
    path = nrrd_file(tmp_path / "a.nrrd", coloured, kinds=kinds) if 0 else None
    nrrd = pytest.importorskip("nrrd")
    path = tmp_path / "a.nrrd"
    nrrd.write(
        str(path), coloured, {"kinds": kinds, "space": "RAS", "space directions": directions}
    )
    signal = load(path)
    assert signal.values.shape == (5, 4, 3, 2)
    numbers, header = nrrd.read(str(write(signal, tmp_path / "b.nrrd")))
    np.testing.assert_array_equal(numbers, coloured)
    assert header["kinds"] == kinds
    np.testing.assert_allclose(header["space directions"], directions)


def test_damaged_and_detached_nrrd_is_one_line(tmp_path):
    whole = nrrd_file(tmp_path / "a.nrrd").read_bytes()
    other = whole.replace(b"encoding: gzip", b"encoding: gzip\ndata file: a.raw")
    for content in (whole[: len(whole) - 20], whole[:60], b"NRRD0005\n\n", other, b"NRRD"):
        (tmp_path / "b.nrrd").write_bytes(content)
        with pytest.raises(SignalError, match=r"not a NRRD file or is damaged") as caught:
            load(tmp_path / "b.nrrd")
        assert "\n" not in str(caught.value)


def dicom(number, **changes):
    """Make a slice: rows along -x, columns along y, 2.5 mm apart."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta: Any = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    values = {
        "SOPClassUID": pydicom.uid.CTImageStorage,
        "SOPInstanceUID": f"1.2.3.{number + 1}",
        "SeriesInstanceUID": "1.2.9",
        "PatientName": "Secret",
        "InstanceNumber": number + 1,
        "Rows": 4,
        "Columns": 3,
        "PixelSpacing": [0.75, 0.5],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [-10, 20, 2.5 * number],
        "RescaleSlope": 2,
        "RescaleIntercept": -1024,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PixelData": NUMBERS[:, :, number % 5].T.tobytes(),
    } | changes
    for name, value in values.items():
        if value is not None:
            setattr(made, name, value)
    buffer = BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def series(folder, slices, order=(3, 0, 4, 1, 2)):
    folder.mkdir()
    for name, number in enumerate(order):
        if number < len(slices):
            (folder / f"{name}").write_bytes(slices[number])
    return folder


def test_a_folder_of_slices_is_a_volume_sorted_by_place(tmp_path):
    folder = series(tmp_path / "scan", [dicom(n) for n in range(5)])
    (folder / ".hidden").write_bytes(b"x")
    (folder / "readme.txt").write_text("not a slice")
    signal = load(folder)
    assert (signal.name, signal.values.shape) == ("scan", (5, 4, 3, 1))
    np.testing.assert_allclose(levels(signal), NUMBERS, atol=1e-3)
    assert "Secret" not in str(signal.meta)
    image = nibabel.Nifti1Image.from_filename(write(signal, tmp_path / "a.nii"))
    affine = np.array([[-0.5, 0, 0, 10], [0, -0.75, 0, -20], [0, 0, 2.5, 0], [0, 0, 0, 1]])
    np.testing.assert_allclose(image.affine, affine, atol=1e-6)
    assert image.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(np.asarray(image.dataobj), NUMBERS * 2.0 - 1024)
    assert image.get_data_dtype() == np.int16


def test_an_archive_of_slices_is_the_same_volume(tmp_path):
    slices = [dicom(n) for n in range(5)]
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for number, content in enumerate(slices):
            archive.writestr(f"sub/{9 - number}.dcm", content)
    found, same = load(tmp_path / "scan.zip"), load(series(tmp_path / "scan", slices))
    assert found.values.equal(same.values)
    assert found.meta == same.meta


def test_slices_of_several_scales_are_converted(tmp_path):
    slices = [dicom(n, RescaleSlope=n + 1, RescaleIntercept=0) for n in range(5)]
    signal = load(series(tmp_path / "pet", slices))
    assert signal.meta["dtype"] == "float32"
    np.testing.assert_allclose(levels(signal), NUMBERS * np.arange(1, 6.0), atol=1e-2)


def test_slices_at_an_angle_lie_where_they_were(tmp_path):
    turned = [0.6, 0.8, 0, 0, 0, -1]
    places = [[1.0 - 1.6 * n, 2.0 + 1.2 * n, 3.0] for n in range(5)]  # along the normal
    slices = [
        dicom(n, ImageOrientationPatient=turned, ImagePositionPatient=places[n]) for n in range(5)
    ]
    affine = np.array(load(series(tmp_path / "a", slices)).meta["affine"])
    along = affine @ [0, 0, 1, 0]
    assert np.linalg.norm(along) == pytest.approx(2.0)
    np.testing.assert_allclose(affine @ [1, 0, 0, 0], [-0.3, -0.4, 0, 0], atol=1e-9)
    np.testing.assert_allclose(affine @ [0, 1, 0, 0], [0, 0, -0.75, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            lambda n: dicom(n if n < 3 else n + 1),
            "incomplete: from the slice at 5.00 mm",
        ),
        (lambda n: dicom(n, ImagePositionPatient=[0, 0, 2.5 * (n % 4)]), "two slices lie at 0.00"),
        (lambda n: dicom(n, SeriesInstanceUID=f"1.2.{n // 3}"), "2 values of SeriesInstanceUID"),
        (lambda n: dicom(n, PixelSpacing=[1, 1 + n // 4]), "2 values of PixelSpacing"),
        (
            lambda n: dicom(n, ImagePositionPatient=None, InstanceNumber=2 * n),
            "the numbers 0, 2, 4",
        ),
        (lambda n: dicom(n, PixelData=b"\0\0"), "not DICOM or is damaged"),
        (lambda n: dicom(n)[: 200 + 100 * n], "damaged|no DICOM slices"),
    ],
)
def test_a_series_that_is_mixed_or_has_gaps_is_refused(tmp_path, made, says):
    folder = series(tmp_path / "scan", [made(n) for n in range(5)])
    with pytest.raises(SignalError, match=says) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_a_series_without_places_is_sorted_by_number(tmp_path):
    slices = [dicom(n, ImagePositionPatient=None) for n in range(5)]
    np.testing.assert_allclose(levels(load(series(tmp_path / "a", slices))), NUMBERS, atol=1e-3)


def test_a_series_is_fitted_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    series(tmp_path / "scan", [dicom(n) for n in range(5)])
    sizes = "--grid 2 --width 4 --depth 0 --steps 1 --quiet"
    assert run(shlex.split(f"fit scan {sizes} -o m.inr")) == 0
    assert run(shlex.split("render m.inr -o r.nii.gz")) == 0
    assert nibabel.Nifti1Image.from_filename("r.nii.gz").shape == (3, 4, 5)
    assert run(shlex.split("info m.inr --original scan")) == 0


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    folder, path = series(tmp_path / "a", [dicom(0)]), nrrd_file(tmp_path / "a.nrrd")
    for name, source in (("nrrd", path), ("pydicom", folder)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(SignalError, match=r"pip install 'enas-inr-volume\["):
            load(source)


def stack(path, pages):
    images = [Image.fromarray(page) for page in pages]
    images[0].save(path, save_all=True, append_images=images[1:])
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int32"])
def test_pages_of_a_tiff_are_a_volume(tmp_path, dtype):
    pages = np.random.default_rng(1).uniform(0, 250, (4, 6, 5)).astype(dtype)
    signal = load(stack(tmp_path / "a.tif", pages))
    assert (signal.modality, signal.values.shape) == ("volume", (4, 6, 5, 1))
    assert signal.meta["dtype"] == dtype
    again = load(write(signal, tmp_path / "b.tif"))
    np.testing.assert_allclose(levels(again), pages.T, rtol=1e-6)


def test_pages_of_colours_and_of_several_sizes_are_refused(tmp_path):
    stack(tmp_path / "a.tif", np.zeros((2, 4, 4, 3), np.uint8))
    stack(tmp_path / "b.tif", [np.zeros((3, 4), np.uint8), np.zeros((5, 4), np.uint8)])
    for name, says in {"a": "pages of the mode RGB", "b": "of several sizes (4x3, 4x5)"}.items():
        with pytest.raises(SignalError) as caught:
            load(tmp_path / f"{name}.tif")
        assert says in str(caught.value)


def test_a_tiff_is_a_volume_on_the_command_line_if_that_is_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stack(tmp_path / "a.tif", np.arange(96, dtype=np.uint8).reshape(4, 6, 4))
    sizes = "--grid 2 --width 4 --depth 0 --steps 1 --quiet"
    assert run(shlex.split(f"fit a.tif {sizes} --signal-option modality=volume -o m.inr")) == 0
    assert enas_inr.load("m.inr").header.signal.shape == (4, 6, 4)
    assert run(shlex.split("info m.inr --original a.tif --signal-option modality=volume")) == 0
    capsys.readouterr()
    assert run(shlex.split(f"fit a.tif {sizes} --signal-option modality=volum -o n.inr")) != 0
    assert "did you mean 'volume'" in capsys.readouterr().err
