import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from enas_inr.errors import SignalError
from enas_inr.signals import samples
from enas_inr.signals.pictures.image import ImageModality
from enas_inr.signals.samples import SAMPLES
from enas_inr.signals.signal import Signal
from enas_inr.signals.sounds.audio import AudioModality


def test_every_sample_has_a_name_and_a_summary():
    assert {"photo", "astronaut", "coffee", "cat", "chord"} <= set(SAMPLES)
    for name, sample in SAMPLES.items():
        assert sample.name == name
        assert sample.summary


def test_the_photo_is_what_its_summary_says():
    path = SAMPLES["photo"].make()
    assert isinstance(path, Path)
    signal = ImageModality().read(path)
    assert signal.values.shape == (600, 512, 3)
    assert signal.meta == {"mode": "RGB", "dpi": [96, 96]}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("astronaut", (512, 512, 3)),
        ("coffee", (400, 600, 3)),
        ("cat", (300, 451, 3)),
        ("retina", (1411, 1411, 3)),
        ("vessels", (102, 102, 1)),
    ],
)
def test_more_photos_come_with_an_extra(name, shape):
    pytest.importorskip("skimage")
    path = SAMPLES[name].make()
    assert isinstance(path, Path)
    assert ImageModality().read(path).values.shape == shape


def test_without_the_extra_they_say_what_to_install(monkeypatch):
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(SignalError, match=r"astronaut\.png.*pip install 'enas-inr\[samples\]'"):
        SAMPLES["astronaut"].make()


def test_finding_the_photo_imports_no_matplotlib():
    code = (
        "import sys; from enas_inr.signals.samples import SAMPLES;"
        "SAMPLES['photo'].make(); sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("missing", ["package", "file"])
def test_a_missing_photo_says_what_to_do(monkeypatch, missing):
    found = None if missing == "package" else find_spec("pytest")
    monkeypatch.setattr(samples, "find_spec", lambda name: found)
    with pytest.raises(SignalError, match=r"grace_hopper\.jpg.*reinstall matplotlib"):
        SAMPLES["photo"].make()


def chord() -> Signal:
    made = SAMPLES["chord"].make()
    assert isinstance(made, Signal)
    return made


def test_the_chord_is_two_seconds_of_decaying_sound():
    signal = chord()
    assert signal.values.shape == (32_000, 1)
    assert signal.values.dtype == torch.float32
    assert (signal.modality, signal.name, signal.sample_rate) == ("audio", "chord", 16_000)
    assert signal.values.abs().max() == pytest.approx(0.9, abs=2**-15)
    quarters = signal.values.reshape(4, -1).square().mean(dim=1)
    assert (quarters.diff() < 0).all()


def test_the_chord_is_always_the_same_and_a_wav_holds_it_exactly(tmp_path):
    signal = chord()
    assert signal.info().fingerprint == chord().info().fingerprint
    AudioModality().write(signal, tmp_path / "chord.wav")
    again = AudioModality().read(tmp_path / "chord.wav")
    assert torch.equal(again.values, signal.values)
    assert again.meta == signal.meta


def test_groups_are_sets_for_studies():
    groups = [group for sample in SAMPLES.values() for group in sample.groups]
    assert groups.count("photos") == 8
    assert groups.count("pictures") == 20
