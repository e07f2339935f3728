"""Headers of sound files that contradict the data."""

import struct
from io import BytesIO

import numpy as np
import pytest
import soundfile
import torch

from enas_inr.errors import SignalError, warn_once
from enas_inr.signals.signal import Signal
from enas_inr.signals.sounds.audio import AudioModality

RAMP = (np.arange(1000) - 500).astype(np.int16)
FORMATS = ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF"]


def encoded(name, values=RAMP, subtype="PCM_16"):
    buffer = BytesIO()
    soundfile.write(buffer, values, 8000, format=name, subtype=subtype)
    return bytearray(buffer.getvalue())


@pytest.fixture
def read(tmp_path, caplog):
    """Reads a file: its samples as integers of 16 bits, and the lines that were said."""
    warn_once.cache_clear()

    def of(content, suffix=".wav"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(content)
        values = AudioModality().read(path).values[:, 0].double().numpy() * 2**15
        return values, caplog.messages

    return of


def patched(content, at, form, value):
    struct.pack_into(form, content, at, value)
    return content


def said_once(messages, *words):
    (line,) = messages
    assert "\n" not in line
    assert all(word in line for word in words)


@pytest.mark.parametrize("name", FORMATS)
def test_a_right_header_is_read_without_a_word(read, name):
    values, said = read(encoded(name))
    np.testing.assert_array_equal(values, RAMP)
    assert said == []


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF])
def test_a_wav_from_a_pipe_is_read_to_its_end(read, size):
    content = encoded("WAV")
    values, said = read(patched(content, content.index(b"data") + 4, "<I", size))
    np.testing.assert_array_equal(values, RAMP)
    said_once(said, "does not state how long the sound is", "1000 frames are read")


def test_silence_from_a_pipe_is_read_as_well(read):
    content = encoded("WAV", np.zeros(64, dtype=np.int16))
    values, _ = read(patched(content, content.index(b"data") + 4, "<I", 0))
    np.testing.assert_array_equal(values, np.zeros(64))


def test_a_wav_without_samples_but_with_a_part_after_them_is_empty(read):
    content = encoded("WAV", RAMP[:0]) + b"LIST\x04\0\0\0INFO"
    with pytest.raises(SignalError, match="holds no samples"):
        read(content)


@pytest.mark.parametrize(
    ("name", "field", "form", "size"),
    [
        ("AU", lambda content: 8, ">I", 0),
        ("RF64", lambda content: 28, "<Q", 0),
        ("CAF", lambda content: content.index(b"data") + 4, ">q", -1),
        ("W64", lambda content: content.index(b"data") + 16, "<Q", 24),
    ],
)
def test_a_stream_of_another_format_is_read_to_its_end(read, name, field, form, size):
    content = encoded(name)
    values, said = read(patched(content, field(content), form, size))
    np.testing.assert_array_equal(values[-1000:], RAMP)
    said_once(said, "does not state how long the sound is")


@pytest.mark.parametrize("more", [2, 44])
def test_a_size_that_counts_the_header_as_well_is_read(read, more):
    content = encoded("WAV")
    values, said = read(patched(content, content.index(b"data") + 4, "<I", 2000 + more))
    np.testing.assert_array_equal(values, RAMP)
    said_once(said, f"states {2000 + more} bytes of sound, of which {more} are missing")


@pytest.mark.parametrize("stated", [0, 10, 5000, 0xFFFF_FFFF])
def test_a_wrong_size_of_the_whole_is_said(read, stated):
    values, said = read(patched(encoded("WAV"), 4, "<I", stated))
    np.testing.assert_array_equal(values, RAMP)
    said_once(said, f"states {stated + 8} bytes for a file of 2044")


def test_parts_of_odd_size_are_read_with_and_without_padding(read):
    content = encoded("WAV")
    at = content.index(b"data")
    for padding in (b"\0", b""):
        note = b"LIST" + struct.pack("<I", 3) + b"abc" + padding
        mixed = content[:at] + note + b"LIST" + struct.pack("<I", 1) + b"d" + padding + content[at:]
        values, said = read(patched(mixed, 4, "<I", len(mixed) - 8))
        np.testing.assert_array_equal(values, RAMP)
    said_once(said, "leaves out the padding of a part")


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_cut_off_is_refused(read, name):
    content = encoded(name)
    with pytest.raises(SignalError, match=r"cut off after \d+ frames"):
        read(content[: len(content) - 300])


@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_a_file_of_floats_does_not_say_when_it_was_written(tmp_path, suffix):
    values = torch.linspace(-1, 1, 100)[:, None]
    signal = Signal(values, "audio", "test", sample_rate=8000, meta={"subtype": "FLOAT"})
    AudioModality().write(signal, tmp_path / f"a{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    place = content.index(b"PEAK") + 8
    assert content[place : place + 8].strip(b"\0") == b"\1"  # the version alone
    assert torch.equal(AudioModality().read(tmp_path / f"a{suffix}").values, values)
