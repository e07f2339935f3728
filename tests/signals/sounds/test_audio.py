import numpy as np
import pytest
import soundfile
import torch

from enas_inr.errors import SignalError
from enas_inr.signals.signal import Signal
from enas_inr.signals.sounds.audio import AudioModality


def tone(frames=4000, channels=1, peak=0.8):
    time = np.arange(frames)[:, None] / 16_000
    return peak * np.sin(2 * np.pi * 440 * time * np.arange(1, channels + 1))


def read(path):
    return AudioModality().read(path)


def write(signal, path):
    AudioModality().write(signal, path)


def signal_of(values, sample_rate=16_000, **meta):
    values = torch.as_tensor(values, dtype=torch.float32)
    return Signal(values, "audio", "test", sample_rate=sample_rate, meta=meta)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [
        (".wav", "PCM_U8"),
        (".wav", "PCM_16"),
        (".wav", "PCM_24"),
        (".wav", "FLOAT"),
        (".flac", "PCM_S8"),
        (".flac", "PCM_16"),
        (".flac", "PCM_24"),
    ],
)
def test_lossless_files_come_back_exactly(tmp_path, suffix, subtype, channels):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    soundfile.write(first, tone(channels=channels), 22_050, subtype=subtype)
    signal = read(first)
    assert signal.values.shape == (4000, channels)
    assert signal.values.dtype == torch.float32
    assert (signal.name, signal.sample_rate) == ("a", 22_050)
    assert signal.meta["subtype"] == subtype
    assert "gain" not in signal.meta
    write(signal, second)
    again = read(second)
    assert torch.equal(again.values, signal.values)
    assert (again.sample_rate, again.meta["subtype"]) == (22_050, subtype)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_comes_nearly_back(tmp_path, subtype):
    soundfile.write(tmp_path / "a.ogg", tone(16_000, 2), 16_000, format="OGG", subtype=subtype)
    signal = read(tmp_path / "a.ogg")
    assert signal.meta["subtype"] == subtype
    write(signal, tmp_path / "b.ogg")
    again = read(tmp_path / "b.ogg")
    assert again.meta["subtype"] == subtype
    assert again.values.shape == signal.values.shape == (16_000, 2)
    first, second = (s.values * s.meta.get("gain", 1) for s in (signal, again))
    assert (first - second).square().mean() < 1e-2


def test_a_long_ogg_is_written(tmp_path):
    """Written in one piece, it would overflow the stack of libsndfile."""
    write(signal_of(torch.zeros(2_500_000, 2)), tmp_path / "a.ogg")
    assert read(tmp_path / "a.ogg").values.shape == (2_500_000, 2)


def test_pcm_is_rounded_to_the_nearest_level_and_clamped(tmp_path):
    levels = np.array([[0.6], [0.4], [-0.6], [-0.4], [40_000], [-40_000]])
    write(signal_of(levels / 2**15), tmp_path / "a.wav")
    written, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert written.tolist() == [1, 0, -1, 0, 32767, -32768]


def test_a_float_file_beyond_one_is_scaled_and_written_back_at_its_own_scale(tmp_path):
    loud = tone(peak=4.0)
    soundfile.write(tmp_path / "a.wav", loud, 16_000, subtype="FLOAT")
    signal = read(tmp_path / "a.wav")
    assert signal.values.abs().max() == 1
    assert signal.meta["gain"] == pytest.approx(np.abs(loud).max(), rel=1e-6)
    write(signal, tmp_path / "b.wav")
    written, _ = soundfile.read(tmp_path / "b.wav", always_2d=True)
    np.testing.assert_allclose(written, loud, atol=1e-6)


def test_the_gain_is_left_out_where_it_would_clip(tmp_path):
    signal = signal_of(tone(peak=1.0), subtype="FLOAT", gain=4.0)
    write(signal, tmp_path / "a.flac")
    assert read(tmp_path / "a.flac").values.abs().max() == pytest.approx(1, abs=1e-3)
    assert (read(tmp_path / "a.flac").values - signal.values).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("suffix", "default"), [(".flac", "PCM_24"), (".ogg", "VORBIS"), (".WAV", "FLOAT")]
)
def test_a_subtype_that_the_format_lacks_becomes_the_nearest(tmp_path, suffix, default):
    write(signal_of(tone(), format="WAV", subtype="FLOAT"), tmp_path / f"a{suffix}")
    assert soundfile.info(tmp_path / f"a{suffix}").subtype == default


def test_meta_is_not_needed(tmp_path):
    write(signal_of(tone()), tmp_path / "a.wav")
    assert read(tmp_path / "a.wav").meta == {"format": "WAV", "subtype": "PCM_16"}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_refused(tmp_path, bad):
    values = tone()
    values[7] = bad
    soundfile.write(tmp_path / "a.wav", values, 16_000, subtype="FLOAT")
    with pytest.raises(SignalError, match=r"a\.wav.*1 NaN or infinite value among 4000.*\[7, 0\]"):
        read(tmp_path / "a.wav")
    with pytest.raises(SignalError, match="NaN"):
        write(signal_of(values), tmp_path / "b.wav")


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_file_without_frames_is_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, np.zeros((0, 1)), 16_000)
    with pytest.raises(SignalError, match=r"no samples|0 bytes"):
        read(path)


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [(".wav", "PCM_16"), (".wav", "FLOAT"), (".flac", "PCM_16"), (".ogg", "VORBIS")],
)
def test_a_truncated_file_is_refused(tmp_path, suffix, subtype):
    whole, cut = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (40_000, 1))
    soundfile.write(whole, noise, 16_000, subtype=subtype)
    content = whole.read_bytes()
    for share in (0.0005, 0.01, 0.5, 0.9, 0.99):
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(SignalError, match=r"cut off|not audio, or damaged") as caught:
            read(cut)
        assert "\n" not in str(caught.value)


def test_a_wav_written_to_a_pipe_is_read(tmp_path):
    """The length was not known when the header was written."""
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), 16_000)
    content = bytearray(path.read_bytes())
    start = content.index(b"data")
    content[4:8] = content[start + 4 : start + 8] = b"\xff" * 4
    path.write_bytes(content)
    assert read(path).values.shape == (4000, 1)


def test_what_is_not_audio_is_refused(tmp_path):
    for content in (b"this is only text\n" * 20, b"RIFF", b"fLaC", b"OggS", bytes(99)):
        path = tmp_path / "a.wav"
        path.write_bytes(content)
        with pytest.raises(SignalError, match=r"a\.wav.*not audio.*give a complete WAV"):
            read(path)


def test_an_empty_file_a_missing_one_and_a_directory_are_refused(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    for name, reason in {"empty": "0 bytes", "missing": "No such", "folder": "directory"}.items():
        with pytest.raises(SignalError, match=reason):
            read(tmp_path / f"{name}.wav")


def test_an_unknown_suffix_lists_the_valid_ones(tmp_path):
    with pytest.raises(SignalError, match=r"'\.wma'.*\.flac.*\.mp3.*\.wav"):
        write(signal_of(tone()), tmp_path / "a.wma")


def test_what_is_not_audio_is_not_written(tmp_path):
    with pytest.raises(SignalError, match="not audio"):
        write(signal_of(torch.zeros(4, 4, 1)), tmp_path / "a.wav")
    with pytest.raises(SignalError, match="sample rate None"):
        write(signal_of(tone(), sample_rate=None), tmp_path / "a.wav")


@pytest.mark.parametrize("sample_rate", [16_000, 2**40])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, sample_rate):
    path = tmp_path / "a.flac"
    path.write_bytes(b"old")
    with pytest.raises(SignalError, match=r"9 channels at .* cannot be written as FLAC PCM_16"):
        write(signal_of(torch.zeros(10, 9), sample_rate), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
