"""Sound in many formats, with its precision, its range and its rate."""

import sys

import numpy as np
import pytest
import soundfile
import torch

from enas_inr.errors import SignalError, warn_once
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal
from enas_inr.signals.sounds.audio import AudioModality

RATE = 16_000
TONE = 0.7 * np.sin(np.arange(4000) * 0.17)[:, None] * [1.0, 0.5]


def modality():
    return AudioModality()


def signal_of(values=TONE, rate=RATE, **meta):
    return Signal(torch.as_tensor(values).float(), "audio", "t", sample_rate=rate, meta=meta)


@pytest.fixture
def said(caplog):
    warn_once.cache_clear()
    return caplog


@pytest.mark.parametrize(
    ("suffix", "name", "subtype"),
    [
        (".aiff", "AIFF", "PCM_24"),
        (".aif", "AIFF", "PCM_S8"),
        (".aifc", "AIFF", "FLOAT"),
        (".au", "AU", "ULAW"),
        (".snd", "AU", "PCM_16"),
        (".caf", "CAF", "PCM_24"),
        (".w64", "W64", "PCM_U8"),
        (".rf64", "RF64", "PCM_24"),
        (".wav", "RF64", "PCM_16"),
        (".wav", "WAVEX", "PCM_24"),
        (".wav", "WAV", "ULAW"),
        (".wav", "WAV", "ALAW"),
        (".wav", "WAV", "PCM_32"),
        (".wav", "WAV", "DOUBLE"),
    ],
)
def test_a_lossless_file_comes_back_in_its_format(tmp_path, suffix, name, subtype):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    values = TONE.astype(np.float32)  # which 24 bits hold
    soundfile.write(first, values, 22_050, format=name, subtype=subtype)
    signal = load_signal(load_catalog(), str(first))
    modality().write(signal, second)
    info = soundfile.info(second)
    assert (info.format, info.subtype, info.samplerate) == (name, subtype, 22_050)
    wanted, found = (soundfile.read(path, dtype="float64")[0] for path in (first, second))
    exact = 2**-24 if subtype in ("PCM_32", "DOUBLE") else 0
    np.testing.assert_allclose(found, wanted, atol=exact, rtol=0)


@pytest.mark.parametrize("suffix", [".mp3", ".opus", ".oga", ".m4a"])
def test_a_lossy_file_has_all_frames_in_their_places(tmp_path, suffix):
    if suffix == ".m4a":
        pytest.importorskip("av")
    path = tmp_path / f"a{suffix}"
    modality().write(signal_of(), path)
    again = load_signal(load_catalog(), str(path))
    assert (again.values.shape, again.sample_rate) == ((4000, 2), RATE)
    found = again.values.numpy() * float(str(again.meta.get("gain", 1)))
    error = (found - TONE)[500:-500]
    assert np.square(error).mean() < np.square(TONE).mean() / 100


def test_24_bits_are_kept_to_the_last(tmp_path):
    levels = np.array([-(2**23), -1, 1, 3, 2**22 + 1, 2**23 - 1], dtype=np.int32)
    for suffix in (".wav", ".flac", ".aiff", ".caf"):
        path = tmp_path / f"a{suffix}"
        soundfile.write(path, levels * 256, RATE, subtype="PCM_24")
        modality().write(modality().read(path), path)
        found, _ = soundfile.read(path, dtype="int32")
        np.testing.assert_array_equal(found // 256, levels)


@pytest.mark.parametrize(
    ("subtype", "is_said"),
    [("PCM_32", True), ("DOUBLE", True), ("PCM_24", False), ("FLOAT", False)],
)
def test_more_than_24_bits_are_said(tmp_path, said, subtype, is_said):
    soundfile.write(tmp_path / "a.wav", [0.5, 1 / 3], RATE, subtype=subtype)
    modality().read(tmp_path / "a.wav")
    lines = [f"the samples of {subtype} are rounded to 24 bits"] if is_said else []
    assert [line.rpartition(": ")[2] for line in said.messages] == lines


def test_32_bits_that_24_hold_are_not_said(tmp_path, said):
    soundfile.write(tmp_path / "a.wav", [0.5, -0.25], RATE, subtype="PCM_32")
    modality().read(tmp_path / "a.wav")
    assert said.messages == []


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".caf", ".w64", ".au"])
def test_floats_beyond_one_keep_their_range(tmp_path, suffix, subtype):
    path = tmp_path / f"a{suffix}"
    loud = np.array([-3.5, 0.25, 2.0])
    soundfile.write(path, loud, RATE, subtype=subtype)
    signal = modality().read(path)
    assert (float(signal.values.min()), signal.meta["gain"]) == (-1, 3.5)
    modality().write(signal, path)
    np.testing.assert_allclose(soundfile.read(path)[0], loud, atol=1e-6)


@pytest.mark.parametrize(
    ("suffix", "meta", "written", "lost"),
    [
        (".flac", {"subtype": "FLOAT"}, "PCM_24", "the format has no FLOAT"),
        (".flac", {"subtype": "PCM_32"}, "PCM_24", "the format has no PCM_32"),
        (".flac", {"subtype": "PCM_U8"}, "PCM_S8", ""),
        (".flac", {"subtype": "ULAW"}, "PCM_16", ""),
        (".wav", {"subtype": "PCM_S8"}, "PCM_U8", ""),
        (".flac", {"subtype": "PCM_16", "gain": 2.0}, "PCM_16", "divided by its peak, 2"),
        (".mp3", {"subtype": "PCM_24"}, "MPEG_LAYER_III", ""),
        (".wav", {"subtype": "VORBIS"}, "PCM_16", ""),
        (".wav", {"subtype": "MPEG_LAYER_III"}, "PCM_16", ""),
        (".mp3", {"subtype": "MPEG_LAYER_II"}, "MPEG_LAYER_III", ""),
    ],
)
def test_what_a_format_loses_is_said(tmp_path, said, suffix, meta, written, lost):
    path = tmp_path / f"a{suffix}"
    modality().write(signal_of(**meta), path)
    assert soundfile.info(path).subtype == written
    assert len(said.messages) == bool(lost)
    assert all(lost in line for line in said.messages)


def test_a_file_is_read_by_its_content(tmp_path):
    soundfile.write(tmp_path / "a.flac", TONE, RATE)
    (tmp_path / "a.flac").rename(tmp_path / "a.mp3")
    assert load_signal(load_catalog(), str(tmp_path / "a.mp3")).meta["format"] == "FLAC"


def test_a_truncated_mp3_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.mp3", np.tile(TONE, (10, 1)), RATE)
    content = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "b.mp3").write_bytes(content[: len(content) // 2])
    with pytest.raises(SignalError, match=r"cut off after \d+ frames"):
        modality().read(tmp_path / "b.mp3")


def m4a(tmp_path):
    pytest.importorskip("av")
    modality().write(signal_of(), tmp_path / "a.m4a")
    return tmp_path / "a.m4a"


def test_sound_that_needs_av_names_the_extra_without_it(tmp_path, monkeypatch):
    path = m4a(tmp_path)
    monkeypatch.setitem(sys.modules, "av", None)
    for use in (lambda: modality().read(path), lambda: modality().write(signal_of(), path)):
        with pytest.raises(SignalError, match=r"a\.m4a.*package av.*'enas-inr\[media\]'"):
            use()


def test_a_damaged_m4a_is_one_line(tmp_path):
    path = m4a(tmp_path)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(30):
        content = bytearray(whole)
        for place in random.integers(0, len(content), 12):
            content[place] = random.integers(0, 256)
        path.write_bytes(content[: random.integers(100, len(content))])
        with pytest.raises(SignalError) as caught:
            modality().read(path)
        assert "\n" not in str(caught.value)


def test_equal_sounds_give_equal_m4a_files(tmp_path):
    assert m4a(tmp_path).read_bytes() == m4a(tmp_path).read_bytes()


@pytest.mark.parametrize("values", [np.zeros((5, 1)), np.full((4, 2), 0.5), np.full((1, 1), -1.0)])
def test_a_constant_sound_and_one_sample_come_back(tmp_path, values):
    for suffix in (".wav", ".flac", ".aiff"):
        path = tmp_path / f"a{suffix}"
        modality().write(signal_of(values), path)
        np.testing.assert_array_equal(modality().read(path).values, values)


def test_a_matroska_file_is_read_exactly_and_refused_when_cut(tmp_path):
    av = pytest.importorskip("av")
    levels = (TONE[:, :1] * 2**15).round().astype(np.int16)
    path = tmp_path / "a.mka"
    with av.open(str(path), "w", format="matroska") as opened:
        stream = opened.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(levels.T.copy(), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        opened.mux(stream.encode(frame))
        opened.mux(stream.encode(None))
    signal = load_signal(load_catalog(), str(path))
    assert (signal.sample_rate, signal.meta["codec"]) == (RATE, "flac")
    np.testing.assert_array_equal(signal.values.numpy(), levels / np.float32(2**15))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SignalError, match=r"cut off after 0\.\d of 0\.\d s|damaged|no samples"):
        modality().read(path)


def test_a_sound_beyond_one_is_not_clipped_in_an_m4a(tmp_path, said):
    pytest.importorskip("av")
    path = tmp_path / "a.m4a"
    values = TONE / np.abs(TONE).max()
    modality().write(signal_of(values, subtype="FLOAT", gain=4.0), path)
    assert "AAC holds no values above 1, so the sound is divided by its peak, 4" in said.text
    found = modality().read(path)
    again = found.values.numpy() * float(str(found.meta.get("gain", 1)))
    assert np.sqrt(np.mean((again - values) ** 2)) < 0.05
