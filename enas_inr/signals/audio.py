"""Audio: WAV, FLAC and OGG with any number of channels, read and written with libsndfile."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from pydantic import JsonValue

from enas_inr.errors import SignalError
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.signals.signal import Modality, Signal, check_values
from enas_inr.validation import counted

_FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG"}
_PCM_BITS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_BEYOND_ONE = ("FLOAT", "DOUBLE", "VORBIS", "OPUS")  # subtypes that hold values above 1
_BLOCK = 2**16  # frames per write: libsndfile's Vorbis encoder overflows the stack on long writes
_STREAMED = 0x7FFF_0000  # a chunk of this size or more was written before its length was known
_UNKNOWN_FRAMES = 2**62
FAILURES = (soundfile.SoundFileError, ValueError, OverflowError)
"""The errors that soundfile raises."""


class AudioModality(Modality):
    """Sampled sound: values `[frames, channels]` and a sample rate in Hz.

    `meta` holds the `format` and `subtype` of the file as named by libsndfile. If the values of the
    file exceed [-1, 1], it also holds the `gain` (the peak) by which they were divided.
    """

    def read(self, path: Path) -> Signal:
        """Read a whole file.

        Raises:
            SignalError: the file cannot be read, is not audio, is cut off or empty, or holds NaN.
        """
        what = repr(str(path))
        content = read_bytes(path)
        try:
            with soundfile.SoundFile(BytesIO(content)) as file:
                frames, declared = _frames(file), int(file.frames)
                rate = int(file.samplerate)
                meta: dict[str, JsonValue] = {"format": file.format, "subtype": file.subtype}
        except FAILURES as error:
            raise SignalError(
                f"{what}: not audio, or damaged: {_reason(error)}",
                "give a complete WAV, FLAC or OGG file",
            ) from None
        flac_cut = meta["format"] == "FLAC" and len(frames) < declared < _UNKNOWN_FRAMES
        if flac_cut or _is_cut_wav(content) or _is_cut_ogg(content):
            raise SignalError(
                f"{what}: the file is cut off after {counted(len(frames), 'frame')}",
                "give the complete file",
            )
        values = torch.from_numpy(frames)
        check_values(values, what)
        peak = float(values.abs().max())
        if peak > 1:
            values, meta = values / peak, meta | {"gain": peak}
        return Signal(values, modality="audio", name=path.stem, sample_rate=rate, meta=meta)

    def write(self, signal: Signal, path: Path) -> None:
        """Write audio, clamped to [-1, 1]; PCM is rounded to the nearest level.

        The subtype of the original file is kept if the format of the suffix has it; otherwise the
        default subtype of the format is used. The `gain` is restored unless the subtype would clip.

        Raises:
            SignalError: the suffix is unknown, the format cannot hold the signal, or the file
                cannot be written.
        """
        what = repr(str(path))
        name = _FORMATS.get(path.suffix.lower())
        if name is None:
            raise SignalError(
                f"{what}: cannot write audio as {path.suffix!r}",
                f"use one of: {', '.join(sorted(_FORMATS))}",
            )
        if signal.values.ndim != 2 or signal.sample_rate is None:
            raise SignalError(
                f"{what}: a signal of shape {tuple(signal.values.shape)} and sample rate"
                f" {signal.sample_rate} is not audio",
                "give frames, channels and a sample rate",
            )
        check_values(signal.values, what)
        subtype = signal.meta.get("subtype")
        if not (isinstance(subtype, str) and soundfile.check_format(name, subtype)):
            subtype = soundfile.default_subtype(name)
        try:
            content = encode(signal, signal.sample_rate, name, subtype)
        except FAILURES as error:
            raise SignalError(
                f"{what}: {counted(signal.values.shape[1], 'channel')} at {signal.sample_rate} Hz"
                f" cannot be written as {name} {subtype}: {_reason(error)}",
                f"use another of: {', '.join(sorted(_FORMATS))}",
            ) from None
        replace_bytes(path, content)


def encode(signal: Signal, sample_rate: int, name: str, subtype: str) -> bytes:
    """Encode audio in memory, clamped to [-1, 1]; PCM is rounded to the nearest level.

    Args:
        signal: frames, channels.
        sample_rate: frames per second.
        name: format, as named by libsndfile.
        subtype: sample format, as named by libsndfile.

    Raises:
        FAILURES: the format cannot hold the signal.
    """
    levels = _levels(signal, subtype)
    buffer = BytesIO()
    with soundfile.SoundFile(
        buffer, "w", sample_rate, levels.shape[1], format=name, subtype=subtype
    ) as file:
        for start in range(0, len(levels), _BLOCK):
            file.write(levels[start : start + _BLOCK])
    return buffer.getvalue()


def _frames(file: soundfile.SoundFile) -> npt.NDArray[np.float32]:
    """Read to the end in blocks, since a header may announce any number of frames."""
    blocks = [np.empty((0, file.channels), dtype=np.float32)]
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        blocks.append(block)
    return np.concatenate(blocks)


def _levels(signal: Signal, subtype: str) -> npt.NDArray[Any]:
    """Convert samples to integers for PCM, since libsndfile would round floats downwards."""
    values = signal.values.detach().cpu().double().clamp(-1, 1)
    if subtype in _PCM_BITS:
        top = 2 ** (_PCM_BITS[subtype] - 1)
        levels = (values * top).round().clamp(-top, top - 1)
        return np.asarray(levels * (2**31 // top), dtype=np.int32)
    gain = signal.meta.get("gain")
    if isinstance(gain, int | float) and subtype in _BEYOND_ONE:
        values = values * gain
    return np.asarray(values, dtype=np.float32)


def _is_cut_wav(content: bytes) -> bool:
    """Whether the data chunk announces more bytes than there are, which libsndfile ignores."""
    if content[:4] != b"RIFF":
        return False
    start = 12
    while start + 8 <= len(content):
        size = int.from_bytes(content[start + 4 : start + 8], "little")
        if content[start : start + 4] == b"data":
            return size < _STREAMED and start + 8 + size > len(content)
        start += 8 + size + size % 2
    return True


def _is_cut_ogg(content: bytes) -> bool:
    """Whether the last page is incomplete, or not marked as the end of its stream."""
    if content[:4] != b"OggS":
        return False
    page = content[content.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return True
    ends = bool(page[5] & 4)
    return not ends or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])


def _reason(error: Exception) -> str:
    # The message of libsndfile, without the address of the buffer that soundfile prepends.
    return getattr(error, "error_string", str(error))
