"""The modality of a file: by its suffix, by an option, or of a package that is missing."""

from dataclasses import replace

import pytest

import enas_inr
from enas_inr.errors import ContractError, SignalError, SpecError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.checks import check_signal
from enas_inr.signals.loading import load_signal
from enas_inr.signals.series import is_series
from enas_inr.signals.sets import is_set
from enas_inr.signals.sounds.audio import AudioModality
from enas_inr.testing import toy_signal


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("scan.nii.gz", "enas-inr-volume"),
        ("scan.NII", "enas-inr-volume"),
        ("a.nrrd", "enas-inr-volume"),
        ("a.dcm", "enas-inr-volume[dicom]"),
        ("a.mp4", "enas-inr-video"),
    ],
)
def test_the_package_that_would_read_a_file_is_named(tmp_path, name, package):
    (tmp_path / name).write_bytes(b"x")
    without = load_catalog(plugins=False)
    with pytest.raises(SignalError) as caught:
        load_signal(without, str(tmp_path / name))
    assert f"install the one that does: pip install '{package}'" in str(caught.value)


def test_a_folder_of_slices_is_one_signal(tmp_path):
    folder = tmp_path / "scan"
    folder.mkdir()
    (folder / ".notes").write_bytes(b"x")
    assert not is_series(folder)
    assert is_set([str(folder)])
    (folder / "b").write_bytes(bytes(128) + b"DICM")
    assert is_series(folder)
    assert not is_set([str(folder)])
    with pytest.raises(SignalError, match=r"pip install 'enas-inr-volume\[dicom\]'"):
        load_signal(load_catalog(plugins=False), str(folder))
    (folder / "a").write_bytes(bytes(132))
    assert not is_series(folder)


def test_the_option_decides_whatever_the_suffix_is(tmp_path):
    sound = toy_signal((64,), 1, modality="audio", sample_rate=8000)
    AudioModality().write(sound, tmp_path / "a.wav")
    (tmp_path / "a.wav").rename(tmp_path / "a.png")
    catalog = load_catalog()
    read = load_signal(catalog, str(tmp_path / "a.png"), {"modality": "audio"})
    assert read.modality == "audio"
    with pytest.raises(SpecError, match="did you mean 'audio'"):
        load_signal(catalog, str(tmp_path / "a.png"), {"modality": "adio"})
    with pytest.raises(SpecError, match="'modality' does not apply to sample:chord"):
        load_signal(catalog, "sample:chord", {"modality": "image"})


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_meta_that_no_model_can_hold_is_refused_before_the_training(tmp_path, bad):
    signal = replace(toy_signal((8, 8)), meta={"gain": bad})
    with pytest.raises(SignalError, match="signal 'toy': meta is not JSON"):
        enas_inr.fit(signal, grid=1, steps=1, output=tmp_path / "m.inr")
    with pytest.raises(ContractError, match="meta is not JSON"):
        check_signal(AudioModality(), signal, tmp_path)
