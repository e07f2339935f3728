"""Audio with any number of channels, read and written with libsndfile.

Those of the formats that libsndfile does not have, such as `.m4a`, are read by `av_sound`.
"""

from __future__ import annotations

from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from pydantic import JsonValue

from enas_inr.errors import SignalError, warn_once
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.signals.signal import Modality, Signal, check_values
from enas_inr.signals.sounds import av_sound
from enas_inr.signals.sounds.formats import (
    BEYOND_ONE,
    FORMATS,
    PCM_BITS,
    format_of,
    loss,
    subtype_of,
)
from enas_inr.signals.sounds.headers import is_cut_ogg, mended, states_length, time_of_writing
from enas_inr.validation import counted

_BLOCK = 2**16  # frames per write: libsndfile's Vorbis encoder overflows the stack on long writes
_BEGINNING = 2**16  # bytes in which the header of a file that was just written ends
_UNKNOWN_FRAMES = 2**62
_SUFFIXES = ", ".join(sorted([*FORMATS, *av_sound.WRITTEN]))
FAILURES = (soundfile.SoundFileError, ValueError, OverflowError)
"""The errors that soundfile raises."""

Frames = npt.NDArray[Any]
"""`[frames, channels]`: float32, or float64 for samples of more than 24 bits."""


class AudioModality(Modality):
    """Sampled sound: values `[frames, channels]` and a sample rate in Hz.

    `meta` holds the `format` and `subtype` of the file as named by libsndfile. If the values of the
    file exceed [-1, 1], it also holds the `gain` (the peak) by which they were divided.
    """

    def read(self, path: Path) -> Signal:
        """Read a whole file. A length in its header that is wrong by a little is said, and mended.

        Raises:
            SignalError: the file cannot be read, is not audio, is cut off or empty, holds NaN, or
                needs the package `av`.
        """
        what = repr(str(path))
        content = read_bytes(path)
        if kind := av_sound.kind_of(content):
            frames, rate, meta = av_sound.read(content, kind, what)
        else:
            frames, rate, meta = _read(content, what)
        check_values(torch.from_numpy(frames), what)
        peak = float(np.abs(frames).max())
        if peak > 1:
            frames, meta = frames / peak, meta | {"gain": peak}
        single = frames.astype(np.float32)
        if frames.dtype == np.float64 and (single != frames).any():
            warn_once(f"{what}: the samples of {meta['subtype']} are rounded to 24 bits")
        values = torch.from_numpy(single)
        return Signal(values, modality="audio", name=path.stem, sample_rate=rate, meta=meta)

    def write(self, signal: Signal, path: Path) -> None:
        """Write audio, clamped to [-1, 1]; PCM is rounded to the nearest level.

        The subtype of the original file is kept if the format of the suffix has it; otherwise the
        nearest one is used, or the usual one of the format. The `gain` is restored unless the
        subtype would clip. What is lost by the format is said.

        Raises:
            SignalError: the suffix is unknown, the format cannot hold the signal, the file cannot
                be written, or the suffix needs the package `av`.
        """
        what = repr(str(path))
        suffix = path.suffix.lower()
        name = format_of(suffix, signal.meta)
        if name is None and suffix not in av_sound.WRITTEN:
            raise SignalError(
                f"{what}: cannot write audio as {path.suffix!r}", f"use one of: {_SUFFIXES}"
            )
        rate = check_sound(tuple(signal.values.shape), signal.sample_rate, what)
        check_values(signal.values, what)
        try:
            if name is None:
                subtype = codec = av_sound.WRITTEN[suffix]
                content = av_sound.encode(levels_of(signal, subtype), rate, what)
            else:
                subtype = subtype_of(name, suffix, signal.meta)
                codec = f"{name} {subtype}"
                content = encode(signal, rate, name, subtype)
            if lost := loss(subtype, signal.meta):
                warn_once(f"{what}: {lost}")
        except FAILURES as error:
            raise refused(what, signal.values.shape[1], rate, codec, error) from None
        replace_bytes(path, content)


def _read(content: bytes, what: str) -> tuple[Frames, int, dict[str, JsonValue]]:
    """Read a file with libsndfile: its frames, its sample rate, and its format and subtype.

    Raises:
        SignalError: it is not audio, or cut off.
    """
    header = mended(content)
    try:
        with soundfile.SoundFile(BytesIO(header.content)) as file:
            frames, declared = _frames(file), int(file.frames)
            rate = int(file.samplerate)
            meta: dict[str, JsonValue] = {"format": file.format, "subtype": file.subtype}
    except FAILURES as error:
        raise SignalError(
            f"{what}: not audio, or damaged: {_reason(error)}",
            "give a complete WAV, FLAC, Ogg, MP3, AIFF, AU, CAF, W64, RF64 or M4A file",
        ) from None
    counts = meta["format"] == "FLAC" or (meta["format"] == "MP3" and states_length(content))
    short = counts and len(frames) < declared < _UNKNOWN_FRAMES
    if short or header.is_cut or is_cut_ogg(content):
        raise SignalError(
            f"{what}: the file is cut off after {counted(len(frames), 'frame')}",
            "give the complete file",
        )
    if header.note:
        warn_once(f"{what}: the header {header.note}; {counted(len(frames), 'frame')} are read")
    return frames, rate, meta


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
    levels = levels_of(signal, subtype)
    buffer = BytesIO()
    with soundfile.SoundFile(
        buffer, "w", sample_rate, levels.shape[1], format=name, subtype=subtype
    ) as file:
        for start in range(0, len(levels), _BLOCK):
            file.write(levels[start : start + _BLOCK])
    forget_time(buffer)
    return buffer.getvalue()


def forget_time(file: BufferedIOBase) -> None:
    """Clear the time of writing in a sound file, so that equal sounds have equal files."""
    file.seek(0)
    if place := time_of_writing(file.read(_BEGINNING)):
        file.seek(place.start)
        file.write(bytes(place.stop - place.start))


def check_sound(shape: tuple[int, ...], sample_rate: int | None, what: str) -> int:
    """Return the sample rate of a signal of frames and channels.

    Raises:
        SignalError: it is none; the message begins with `what`.
    """
    if len(shape) != 2 or sample_rate is None:
        raise SignalError(
            f"{what}: a signal of shape {shape} and sample rate {sample_rate} is not audio",
            "give frames, channels and a sample rate",
        )
    return sample_rate


def refused(
    what: str, channels: int, sample_rate: int, codec: str, error: Exception
) -> SignalError:
    """Return the error about a sound that a format cannot hold."""
    return SignalError(
        f"{what}: {counted(channels, 'channel')} at {sample_rate} Hz cannot be written as {codec}:"
        f" {_reason(error)}",
        f"use another of: {_SUFFIXES}",
    )


def _frames(file: soundfile.SoundFile) -> Frames:
    """Read to the end in blocks, since a header may announce any number of frames."""
    kind = "float64" if file.subtype in ("PCM_32", "DOUBLE") else "float32"
    blocks = [np.empty((0, file.channels), dtype=kind)]
    while len(block := file.read(_BLOCK, dtype=kind, always_2d=True)):
        blocks.append(block)
    return np.concatenate(blocks)


def levels_of(signal: Signal, subtype: str) -> npt.NDArray[Any]:
    """Convert samples to integers for PCM, since libsndfile would round floats downwards."""
    values = signal.values.detach().cpu().double().clamp(-1, 1)
    if subtype in PCM_BITS:
        top = 2 ** (PCM_BITS[subtype] - 1)
        levels = (values * top).round().clamp(-top, top - 1)
        return np.asarray(levels * (2**31 // top), dtype=np.int32)
    gain = signal.meta.get("gain")
    if isinstance(gain, int | float) and subtype in BEYOND_ONE:
        values = values * gain
    return np.asarray(values, dtype=np.float64 if subtype == "DOUBLE" else np.float32)


def _reason(error: Exception) -> str:
    # The message of libsndfile, without the address of the buffer that soundfile prepends.
    return getattr(error, "error_string", str(error))
