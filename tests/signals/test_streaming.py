"""Large signals are written part by part: the same samples, in little memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from enas_inr.errors import SignalError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals import loading, memory
from enas_inr.signals.memory import available_bytes, check_memory
from enas_inr.signals.parts import SignalParts
from enas_inr.signals.signal import Signal

CATALOG = load_catalog(plugins=False)


def divided(values, modality="image", sizes=(3, 1, 70, 200), **more):
    """Return a signal in parts of several sizes."""

    def make():
        start = 0
        while start < len(values):
            for size in sizes:
                yield values[start : start + size]
                start += size
                if start >= len(values):
                    return

    return SignalParts(tuple(values.shape), make, modality, "test", **more)


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2.2 - 1.1


@pytest.fixture
def streamed(monkeypatch):
    """All signals are large enough to be streamed."""
    monkeypatch.setattr(loading, "STREAMED_FROM", 0)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(
    ("channels", "meta"),
    [
        (1, {"mode": "L"}),
        (3, {"mode": "RGB", "dpi": [300, 150]}),
        (4, {"mode": "RGBA"}),
        (1, {"mode": "I;16"}),
        (3, {"mode": "RGB", "dtype": "uint16", "png": {"gAMA": "0000b18f"}}),
        (4, {"mode": "RGBA", "dtype": "uint16"}),
        (1, {"mode": "L", "dtype": "float32", "range": [-3.0, 7.0]}),
    ],
)
def test_a_streamed_picture_is_the_one_that_is_written_whole(
    streamed, tmp_path, suffix, channels, meta
):
    values = noise(301, 37, channels)
    window = ((0.0, 602.0), (0.0, 74.0))
    parts = divided(values, meta=meta, window=window)
    loading.save_signal(CATALOG, parts, tmp_path / f"parts{suffix}")
    whole = Signal(values, "image", "test", meta=meta, window=window)
    loading.save_signal(CATALOG, whole, tmp_path / f"whole{suffix}")
    read = [
        loading.load_signal(CATALOG, str(tmp_path / f"{n}{suffix}")) for n in ("parts", "whole")
    ]
    assert torch.equal(read[0].values, read[1].values)
    assert read[0].meta == read[1].meta
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"parts{suffix}", f"whole{suffix}"]


@pytest.mark.parametrize(
    ("suffix", "meta"),
    [
        (".wav", {}),
        (".wav", {"subtype": "PCM_24"}),
        (".wav", {"subtype": "FLOAT", "gain": 3.0}),
        (".flac", {"subtype": "PCM_16"}),
    ],
)
def test_a_streamed_sound_is_the_one_that_is_written_whole(streamed, tmp_path, suffix, meta):
    values = noise(200_000, 2)
    parts = divided(values, "audio", (150_000, 1), sample_rate=8000, meta=meta)
    loading.save_signal(CATALOG, parts, tmp_path / f"parts{suffix}")
    whole = Signal(values, "audio", "test", sample_rate=8000, meta=meta)
    loading.save_signal(CATALOG, whole, tmp_path / f"whole{suffix}")
    assert (tmp_path / f"parts{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert soundfile.info(tmp_path / f"parts{suffix}").frames == 200_000


def test_a_sound_beyond_4_gib_has_a_header_for_that(streamed, tmp_path, monkeypatch):
    monkeypatch.setattr("enas_inr.signals.sounds.streaming._LARGEST_WAV", 1000)
    parts = divided(noise(2000, 1), "audio", sample_rate=8000)
    loading.save_signal(CATALOG, parts, tmp_path / "a.wav")
    assert soundfile.info(tmp_path / "a.wav").format == "RF64"
    assert soundfile.info(tmp_path / "a.wav").frames == 2000


def test_other_formats_are_written_whole(streamed, tmp_path):
    loading.save_signal(CATALOG, divided(noise(90, 20, 3)), tmp_path / "a.bmp")
    assert Image.open(tmp_path / "a.bmp").size == (20, 90)


def test_a_part_that_is_not_finite_is_refused_and_nothing_is_left(streamed, tmp_path):
    values = noise(90, 20, 3)
    values[80] = torch.nan
    with pytest.raises(SignalError, match="60 NaN or infinite values"):
        loading.save_signal(CATALOG, divided(values), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


PEAK = """
import json, os, re, resource, sys
from pathlib import Path
import torch
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import save_signal
from enas_inr.signals import loading
from enas_inr.signals.parts import SignalParts
torch.set_num_threads(1)

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

def parts(rows, columns):
    def make():
        for start in range(0, rows, 64):
            yield torch.zeros(min(64, rows - start), columns, 4)
    return SignalParts((rows, columns, 4), make, "image", "test")

catalog, grown = load_catalog(plugins=False), []
for path in map(Path, sys.argv[1:]):
    loading.STREAMED_FROM = 0
    save_signal(catalog, parts(100, 4096), path)  # imports
    before = peak()
    save_signal(catalog, parts(4096, 4096), path)  # 256 MiB of values, 64 MiB of pixels
    grown.append(peak() - before)
print(json.dumps(grown))
"""


def test_the_memory_of_a_large_picture_is_that_of_its_rows(tmp_path):
    paths = [str(tmp_path / "a.png"), str(tmp_path / "a.tif")]
    command = [sys.executable, "-c", PEAK, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert max(json.loads(done.stdout)) < 60  # MiB
    for path in paths:
        with Image.open(path) as image:
            assert image.size == (4096, 4096)


def test_what_does_not_fit_in_the_memory_is_refused_with_both_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)

    def make():
        raise AssertionError("the rendering has begun")
        yield

    parts = SignalParts((40_000, 40_000, 3), make, "image", "test")
    with pytest.raises(SignalError, match=r"needs 19\.20GB of memory, and 1\.00GB are available"):
        parts.whole()
    loading.check_format(CATALOG, parts, tmp_path / "a.png")
    with pytest.raises(SignalError, match=r"a\.jpg.*needs 57\.60GB of memory, and 1\.00GB"):
        loading.check_format(CATALOG, parts, tmp_path / "a.jpg")


LIMITED = """
import resource
from enas_inr.signals.memory import available_bytes
before = available_bytes()
resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))
far = available_bytes()
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**40))
print(before, far, available_bytes())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_limit_of_the_address_space_counts():
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True
    )
    before, far, near = map(int, done.stdout.split())
    assert before > 0
    assert far > 0
    assert 0 < near < 2**30


def test_memory_of_a_container_counts(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert available_bytes() == 500_000
    with pytest.raises(SignalError, match=r"a tensor needs 600\.00kB of memory, and 500\.00kB"):
        check_memory(600_000, "a tensor", "take less")
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes() != 500_000


@pytest.mark.parametrize(
    ("suffix", "channels", "reason"),
    [(".gif9", 3, "cannot write images as '.gif9'"), (".jpg", 4, "JPEG has no transparency")],
)
def test_a_format_is_tried_before_the_rendering(tmp_path, suffix, channels, reason, caplog):
    def make():
        raise AssertionError("the rendering has begun")
        yield

    parts = SignalParts((500, 500, channels), make, "image", "test", meta={"dtype": "float32"})
    with pytest.raises(SignalError, match=reason) as error:
        loading.check_format(CATALOG, parts, tmp_path / f"a{suffix}")
    assert str(tmp_path / f"a{suffix}") in str(error.value)
    assert list(tmp_path.iterdir()) == []
    assert not caplog.records


def test_a_trial_says_nothing_of_what_the_file_will_lose(tmp_path, caplog):
    parts = divided(noise(20, 20, 3), meta={"mode": "RGB", "dtype": "uint16"})
    loading.check_format(CATALOG, parts, tmp_path / "a.jpg")
    assert not caplog.records
    loading.save_signal(CATALOG, parts, tmp_path / "a.jpg")
    assert "a.jpg" in caplog.text
    assert np.asarray(Image.open(tmp_path / "a.jpg")).shape == (20, 20, 3)


def refusal(written, path):
    with pytest.raises(SignalError) as caught:
        loading.save_signal(CATALOG, written, path)
    return str(caught.value)


def test_a_format_that_cannot_hold_a_sound_refuses_its_parts_as_the_whole(streamed, tmp_path):
    values = noise(4000, 9)
    parts = divided(values, "audio", (1000,), sample_rate=8000)
    whole = Signal(values, "audio", "test", sample_rate=8000)
    said = [refusal(written, tmp_path / "a.flac") for written in (parts, whole)]
    assert said[0] == said[1]
    assert "a.flac': 9 channels at 8000 Hz cannot be written as FLAC PCM_16" in said[0]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".wav"])
def test_an_error_names_the_file_and_not_a_temporary_one(streamed, tmp_path, suffix):
    values = torch.full((90, 1), torch.nan)
    parts = divided(values, "audio", sample_rate=8000)
    if suffix != ".wav":
        parts = divided(values[:, None])
    said = refusal(parts, tmp_path / f"a{suffix}")
    assert said.startswith(f"{str(tmp_path / f'a{suffix}')!r}: 3 NaN or infinite values")


@pytest.mark.parametrize(
    ("suffix", "shape", "modality"),
    [
        (".png", (90, 20, 2), "image"),
        (".tif", (90, 20, 5), "image"),
        (".png", (90, 1), "image"),
        (".wav", (90, 20, 1), "audio"),
        (".wav", (90, 1), "audio"),  # without a sample rate
    ],
)
def test_parts_of_another_shape_are_refused_as_the_whole(
    streamed, tmp_path, suffix, shape, modality
):
    values = noise(*shape)
    whole = Signal(values, modality, "test")
    path = tmp_path / f"a{suffix}"
    assert refusal(divided(values, modality), path) == refusal(whole, path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_pipe_loses_is_said_of_the_pipe(tmp_path, caplog):
    meta: dict[str, Any] = {"mode": "L", "dtype": "float32", "range": [-3.0, 7.0]}
    signal = Signal(noise(9, 8, 1).clamp(-1, 1), "image", "test", meta=meta)
    loading.save_signal(CATALOG, signal, Path("/dev/null"), ".png")
    (said,) = caplog.messages
    assert said.startswith("'/dev/null': float32 from -3 to 7 becomes levels of 16 bits")
