"""Read and write video clips with PyAV, which uses the libraries of FFmpeg."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from enas_inr.errors import SignalError, reason_of, warn_once
from enas_inr.signals.files import check_is_file, replace_bytes
from enas_inr.signals.levels import Levels
from enas_inr.signals.signal import Modality, Signal, check_values
from enas_inr_video.animation import is_animation, read_frames
from enas_inr_video.containers import container_of, is_cut_off
from enas_inr_video.options import VideoOptions

MAX_NUMBERS = 2**28
"""Largest clip in numbers, which is 1 GiB as float32."""
MAX_PIXELS = 100_000_000
"""Largest frame in a file in pixels."""

Frames = npt.NDArray[np.uint8]
"""`[frames, rows, columns, 3]`, or a single frame."""

Clip = tuple[list[Frames], Fraction | None, list[str]]
"""The frames, their rate, and what is lost, in a few words each."""

_TOLERANCE = 1e-3  # seconds, since Matroska rounds timestamps to milliseconds
_WRITTEN: dict[str, tuple[str, dict[str, dict[str, str]]]] = {
    ".mp4": ("mp4", {"libx264": {"crf": "12"}, "mpeg4": {"qmin": "1", "qmax": "2"}}),
    ".mkv": ("matroska", {"ffv1": {}}),
}
"""The muxer of libav by suffix, and the codecs to try in turn with their settings."""
_BT601 = 6  # number in libav of the colour space to which it converts RGB


class VideoModality(Modality):
    """Short clips with values `[frames, rows, columns, 3]` from the first video stream.

    `meta` keeps the exact `rate` as a fraction, such as `30000/1001`, and `sample_rate` is the rate
    rounded to whole frames per second. Frames of a variable rate are treated as evenly spaced at
    their average rate. Rotated recordings of telephones are turned upright.
    """

    def __init__(self, options: VideoOptions = VideoOptions()) -> None:
        self._options = options

    def read(self, path: Path) -> Signal:
        """Read a clip of at most 2^28 numbers (2^28 / 3 pixels over all frames).

        Raises:
            SignalError: the file cannot be read, is not a video, is damaged, truncated or too
                large, or has no frame after `start`.
        """
        what = repr(str(path))
        check_is_file(path)
        try:
            if path.stat().st_size == 0:
                raise SignalError(f"{what} is empty (0 bytes)", "give a video file")
            if is_animation(path):
                frames, rate, said = self._animation(path, what)
            else:
                frames, rate, said = self._video(path, what)
        except SignalError:
            raise
        except Exception as error:  # PyAV and Pillow raise almost anything on a damaged file
            raise SignalError(
                f"{what} is not a video or is damaged: {reason_of(error)}", "give a complete file"
            ) from None
        if not rate:
            raise SignalError(f"{what} has no frame rate", "convert it to another format")
        if said:
            warn_once(f"{what}: {'; '.join(said)}")
        values = Levels().values(np.stack(frames))
        return Signal(
            values,
            modality="video",
            name=path.stem,
            sample_rate=max(1, round(rate)),
            meta={"rate": str(rate)},
        )

    def _video(self, path: Path, what: str) -> Clip:
        """Read a file with PyAV."""
        container = container_of(path)
        if container is None:
            raise SignalError(
                f"{what} is not a video", "give an MP4, Matroska, WebM, QuickTime or AVI file"
            )
        if is_cut_off(path, container):
            raise SignalError(f"{what} is truncated", "give the complete file")
        with (
            path.open("rb") as file,
            av.open(file, format=container, metadata_errors="ignore") as opened,
        ):
            if not opened.streams.video:
                raise SignalError(f"{what} has no video stream", "give another file")
            stream = opened.streams.video[0]
            if stream.codec_context is None:
                raise SignalError(f"{what} has a video of an unknown codec", "give another file")
            rate = _usual(stream.average_rate or stream.guessed_rate)
            kept = Kept()
            frames = list(self._frames(opened, stream, what, kept))
        return frames, rate, kept.lines(rate)

    def _animation(self, path: Path, what: str) -> Clip:
        """Read an animated picture with Pillow, whose rate is that of its mean duration."""
        options = self._options
        frames: list[Frames] = []
        durations: list[Fraction] = []
        begins, is_clear = Fraction(0), False
        for picture, seconds, clear in read_frames(path):
            begin, begins = begins, begins + seconds
            size = _size(picture.height, picture.width, options.max_side, what)
            most = MAX_NUMBERS // (3 * size[0] * size[1])
            if float(begin) < options.start - _TOLERANCE:
                continue
            if len(frames) == options.max_frames:
                break
            if len(frames) == most:
                raise _too_many(what, most, *size)
            if size != (picture.height, picture.width):
                picture = picture.resize(size[::-1], Image.Resampling.BOX)
            frames.append(np.asarray(picture))
            durations.append(seconds)
            is_clear |= clear
        if not frames:
            raise SignalError(
                f"{what} has no frame {options.start:g} s after its start", "give another start"
            )
        rate = (len(frames) / sum(durations, Fraction(0))).limit_denominator(1_000_000)
        said = []
        if len(set(durations)) > 1:
            said.append(_varies(min(durations), max(durations), rate))
        if is_clear:
            said.append("what is transparent becomes black")
        return frames, rate, said

    def _frames(self, opened: Any, stream: Any, what: str, kept: Kept) -> Iterator[Frames]:
        """Iterate over the frames of the clip, upright and in the requested size."""
        options = self._options
        context = stream.codec_context
        height, width = _size(context.height, context.width, options.max_side, what)
        size: dict[str, Any] = {"height": height, "width": width}
        if (height, width) != (context.height, context.width):
            size["interpolation"] = "AREA"
        most = MAX_NUMBERS // (3 * height * width)
        begin = float((stream.start_time or 0) * stream.time_base) + options.start - _TOLERANCE
        if options.start:
            opened.seek(round(begin * av.time_base), backward=True)
        count = 0
        for frame in opened.decode(stream):
            if options.start and frame.time is None:
                raise SignalError(f"the frames of {what} have no times", "leave out start")
            if options.start and frame.time < begin:
                continue
            if frame.is_corrupt:
                raise SignalError(f"frame {count + 1} of {what} is damaged", "give a complete file")
            if count == options.max_frames:
                return
            if count == most:
                raise _too_many(what, most, height, width)
            count += 1
            kept.add(frame)
            pixels = frame.to_ndarray(format="rgb24", **size)
            yield np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
        if not count:
            lasts = f" {options.start:g} s after its start" if options.start else ""
            raise SignalError(f"{what} has no frame{lasts}", "give another file, or another start")

    def write(self, signal: Signal, path: Path) -> None:
        """Write a clip, clamped to [-1, 1] and rounded to 8 bits.

        `.mp4` is written as lossy H.264 (or MPEG-4), `.mkv` as lossless FFV1. The exact rate of the
        original is used, times the number of frames for each original frame.

        Raises:
            SignalError: the suffix is unknown, the signal is not a video, or the file cannot be
                written.
        """
        what = repr(str(path))
        if path.suffix.lower() not in _WRITTEN:
            raise SignalError(
                f"cannot write a video as {path.suffix!r} to {what}",
                f"use one of: {', '.join(_WRITTEN)}",
            )
        shape = tuple(signal.values.shape)
        if len(shape) != 4 or shape[-1] != 3 or signal.sample_rate is None:
            raise SignalError(
                f"{what}: a signal of shape {shape} with sample rate {signal.sample_rate} is not a"
                " video",
                "give frames, rows, columns, three channels and a sample rate",
            )
        check_values(signal.values, what)
        muxer, codecs = _WRITTEN[path.suffix.lower()]
        rate = _exact_rate(signal, signal.sample_rate)
        codec = next((name for name in codecs if _can_encode(name)), next(iter(codecs)))
        try:
            content = _encode(signal.values, rate, muxer, codec, codecs[codec])
        except (av.error.FFmpegError, ValueError, OverflowError) as error:
            raise SignalError(
                f"{what}: a video of shape {shape} at {rate} frames per second cannot be written:"
                f" {reason_of(error)}",
                "use another suffix, size or rate",
            ) from None
        replace_bytes(path, content)


@dataclass
class Kept:
    """What the frames of a video say of themselves that a signal does not keep.

    Attributes:
        formats: the pixel formats, with the bits of a value and whether they have transparency.
        times: when the frames are shown, in seconds.
    """

    formats: set[tuple[str, int, bool]] = field(default_factory=set)
    times: list[float] = field(default_factory=list)

    def add(self, frame: Any) -> None:
        """Look at a frame."""
        parts = frame.format.components
        bits = max((part.bits for part in parts), default=8)
        self.formats.add((frame.format.name, bits, any(part.is_alpha for part in parts)))
        if frame.time is not None:
            self.times.append(frame.time)

    def lines(self, rate: Fraction | None) -> list[str]:
        """Return what is lost, in a few words each."""
        said = []
        steps = np.diff(self.times)
        if rate and len(steps) > 1 and np.ptp(steps) > max(2 * _TOLERANCE, steps.mean() / 10):
            said.append(_varies(steps.min(), steps.max(), rate))
        most = max((bits for _, bits, _ in self.formats), default=8)
        if most > 8:
            said.append(f"values of {most} bits are rounded to 8")
        if any(alpha for _, _, alpha in self.formats):
            said.append("transparency is left out")
        return said


def _varies(shortest: Any, longest: Any, rate: Fraction) -> str:
    return (
        f"frames last from {float(shortest):.3g} to {float(longest):.3g} s, and are taken as evenly"
        f" spaced at {float(rate):.4g} a second"
    )


def _size(height: int, width: int, most: int | None, what: str) -> tuple[int, int]:
    """Return the size to which frames are reduced.

    Raises:
        SignalError: they have no pixels, or too many.
    """
    if not 0 < height * width <= MAX_PIXELS:
        raise SignalError(
            f"{what} has frames of {width}x{height} pixels; the limit is"
            f" {MAX_PIXELS // 10**6} million pixels",
            "reduce their size first",
        )
    longer = max(height, width)
    if most is None or longer <= most:
        return height, width
    return max(1, round(height * most / longer)), max(1, round(width * most / longer))


def _too_many(what: str, most: int, height: int, width: int) -> SignalError:
    return SignalError(
        f"{what} has over {most} frames of {width}x{height} pixels",
        "read a part with max_frames=..., or smaller frames with max_side=...",
    )


def _can_encode(name: str) -> bool:
    """Whether the installed FFmpeg has an encoder.

    A codec that fails for another reason, such as a thread that cannot be started, is not replaced
    by the next: equal clips would then give different files.
    """
    try:
        av.Codec(name, "w")
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _usual(rate: Fraction | None) -> Fraction | None:
    """Restore rates of television such as 60000/1001, which Matroska rounds to nanoseconds."""
    if rate is None:
        return None
    television = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    return television if abs(television - rate) < rate / 10**6 else rate


def _exact_rate(signal: Signal, rounded: int) -> Fraction:
    """Return the exact frame rate: that of the original, in proportion to the number of frames."""
    rate, kept = Fraction(rounded), signal.meta.get("rate")
    if isinstance(kept, str):
        _, step = signal.sampling[0]
        exact = Fraction(kept) / Fraction(step).limit_denominator(1_000_000)
        if signal.window is not None or max(1, round(exact)) == rounded:
            rate = exact
    return rate.limit_denominator(1_000_000)


def _encode(
    values: Float[Tensor, "frames rows columns 3"],
    rate: Fraction,
    muxer: str,
    codec: str,
    settings: dict[str, str],
) -> bytes:
    rows, columns = values.shape[1:3]
    buffer = BytesIO()
    # Equal clips give equal files, on any machine: no version in the file, and one thread, since
    # encoders cut frames into as many slices as they have threads.
    with av.open(buffer, "w", format=muxer, options={"fflags": "+bitexact"}) as opened:
        stream: Any = opened.add_stream(codec, rate=rate, options=settings)
        stream.height, stream.width = rows, columns
        stream.pix_fmt = _pixel_format(codec, rows, columns)
        context = stream.codec_context
        context.thread_count = 1
        if codec != "ffv1":
            context.colorspace = context.color_primaries = context.color_trc = _BT601
        for part in values:
            frame = av.VideoFrame.from_ndarray(Levels().numbers(part), format="rgb24")
            opened.mux(stream.encode(frame.reformat(format=stream.pix_fmt, threads=1)))
        opened.mux(stream.encode(None))
    return buffer.getvalue()


def _pixel_format(codec: str, rows: int, columns: int) -> str:
    """Return the pixel format that all players support, unless a side is odd."""
    if codec == "ffv1":
        return "bgr0"
    return "yuv444p" if codec == "libx264" and (rows % 2 or columns % 2) else "yuv420p"
