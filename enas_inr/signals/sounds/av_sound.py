"""Sound in formats that libsndfile does not have, by the package `av` (PyAV, with FFmpeg).

The container is detected from the first bytes, since FFmpeg may open other files if it takes a text
for a playlist.
"""

from __future__ import annotations

from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from enas_inr.errors import SignalError, reason_of

if TYPE_CHECKING:
    from pydantic import JsonValue

WRITTEN = MappingProxyType({".m4a": "AAC"})
"""The suffixes that are written, and their codecs. A bare `.aac` cannot say where its sound begins,
so that it would come back later by the delay of its encoder."""

_BIT_RATE = 160_000  # bits per second and channel
_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1")  # by channels
_BLOCK = 2**14  # frames per call of the encoder
_PACKET = 2**12  # more frames than a packet has
_SHORT = 0.1  # seconds that may be missing before a file counts as cut off

Frames = npt.NDArray[np.float32]
"""`[frames, channels]`."""


def kind_of(content: bytes) -> str | None:
    """Return FFmpeg's name of a container that libsndfile does not have; None for others."""
    head = content[:16]
    if head[4:8] == b"ftyp":
        return "mov"
    for beginning, kind in (
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
        (b"#!AMR", "amr"),
        (b"\x0b\x77", "ac3"),
    ):
        if head.startswith(beginning):
            return kind
    adts = len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0  # layer 0, unlike MP3
    return "aac" if adts else None


def read(content: bytes, kind: str, what: str) -> tuple[Frames, int, dict[str, JsonValue]]:
    """Read the first sound of a file: its frames, its sample rate and its codec.

    Args:
        content: the whole file.
        kind: as from `kind_of`.
        what: name of the file in messages.

    Raises:
        SignalError: the package `av` is not installed, the file has no sound, is damaged or cut
            off.
    """
    av = _package(what)
    blocks: list[Frames] = []
    try:
        with av.open(BytesIO(content), format=kind, metadata_errors="ignore") as opened:
            if not opened.streams.audio:
                raise SignalError(f"{what} has no sound", "give a file with sound")
            stream = opened.streams.audio[0]
            if stream.codec_context is None:
                raise ValueError("its codec is unknown")
            rate, codec = int(stream.rate), str(stream.codec_context.name)
            even = av.AudioResampler(format="flt", layout=stream.layout, rate=rate)
            channels = len(stream.layout.channels)
            for frame in opened.decode(stream):
                frame.pts = None  # gaps between times are not filled
                blocks += (_block(one, channels) for one in even.resample(frame))
            blocks += (_block(one, channels) for one in even.resample(None))
            seconds = float((stream.duration or 0) * stream.time_base)  # 0: not stated
            if not seconds and kind == "matroska":
                seconds = (opened.duration or 0) / av.time_base
    except (av.error.FFmpegError, ValueError, OverflowError, AttributeError, TypeError) as error:
        raise SignalError(
            f"{what}: not audio, or damaged: {reason_of(error)}", "give a complete file"
        ) from None
    if not blocks:
        raise SignalError(f"{what}: holds no samples", "give a signal of at least one sample")
    frames = np.concatenate(blocks)
    stated = round(seconds * rate)
    exact = _time_scale(content) >= rate  # many files state milliseconds only
    if exact and stated < len(frames) < stated + _PACKET:  # the last packet is filled up
        frames = frames[:stated]
    if seconds - len(frames) / rate > max(_SHORT, seconds / 1000):
        raise SignalError(
            f"{what}: the file is cut off after {len(frames) / rate:.1f} of {seconds:.1f} s",
            "give the complete file",
        )
    return frames, rate, {"codec": codec}


def encode(frames: Frames, rate: int, what: str) -> bytes:
    """Encode sound as AAC in an MP4 file.

    Args:
        frames: frames, channels.
        rate: frames per second.
        what: name of the file in messages.

    Raises:
        SignalError: the package `av` is not installed.
        ValueError: the codec cannot hold the sound.
    """
    av = _package(what)
    channels = frames.shape[1]
    if channels > len(_LAYOUTS):
        raise ValueError(f"it has at most {len(_LAYOUTS)} channels")
    layout = _LAYOUTS[channels - 1]
    buffer = BytesIO()
    try:
        options = {"fflags": "+bitexact", "movie_timescale": str(rate)}
        with av.open(buffer, "w", format="ipod", options=options) as opened:
            stream: Any = opened.add_stream("aac", rate=rate, layout=layout)
            stream.bit_rate = _BIT_RATE * channels
            stream.codec_context.thread_count = 1
            for start in range(0, len(frames), _BLOCK):
                block = np.ascontiguousarray(frames[start : start + _BLOCK].T, dtype=np.float32)
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.sample_rate = rate
                frame.pts = start
                opened.mux(stream.encode(frame))
            opened.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        raise ValueError(reason_of(error)) from None
    return buffer.getvalue()


def _block(frame: Any, channels: int) -> Frames:
    """Return the samples of a frame, whose channels are interleaved."""
    block: Frames = frame.to_ndarray().reshape(-1, channels)
    return block


def _time_scale(content: bytes) -> int:
    """Return the units of a second in which an MP4 file states its length; 0 for other files."""
    at = content.find(b"mvhd")
    wide = content[at + 4 : at + 5] == b"\1"  # times of 64 bits come before it
    start = at + (24 if wide else 16)
    return int.from_bytes(content[start : start + 4], "big") if at > 0 else 0


def _package(what: str) -> Any:
    try:
        import av
    except ImportError:
        raise SignalError(
            f"{what}: this kind of sound needs the package av",
            "install it: pip install 'enas-inr[media]'",
        ) from None
    return av
