"""A signal as it is named in lines and in commands for the user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal
    from enas_inr.studies.settings import SignalSettings


def described(source: str, signal: Signal, original: tuple[int, int] | None) -> str:
    """Return a line about a signal, such as `photo.jpg: 128x128 pixels, 3 channels`.

    Args:
        source: what the user has named.
        signal: the signal as it was read.
        original: width and height of the image before it was resized, if it is one.
    """
    *shape, channels = signal.values.shape
    parts = [_size(signal, shape), counted(channels, "channel")]
    resized = original is not None and [*reversed(original)] != shape
    return f"{source}: {', '.join(parts)}" + (
        f" (resized from {'x'.join(map(str, original or ()))})" if resized else ""
    )


def _size(signal: Signal, shape: list[int]) -> str:
    if len(shape) == 1 and signal.sample_rate:
        seconds = shape[0] / signal.sample_rate
        return f"{counted(shape[0], 'frame')} ({seconds:.2f} s at {signal.sample_rate} Hz)"
    if len(shape) == 2:
        return f"{shape[1]}x{shape[0]} pixels"
    return f"{'x'.join(map(str, shape))} samples"


def words(
    source: str, settings: SignalSettings, original: tuple[int, int] | None, signal: Signal
) -> list[str]:
    """Return the words of a command that reads the same signal again: the source and its options.

    Args:
        source: what the user has named.
        settings: how it was read.
        original: width and height of the image before it was resized, if it is one.
        signal: the signal as it was read.
    """
    height, width = signal.values.shape[:2]
    size = None if settings.size is None else str(settings.size)
    if size is None and original is not None and "size" not in (settings.signal_options or {}):
        size = "none" if original == (width, height) else f"{width}x{height}"
    return [
        source,
        *(["--size", size] if size is not None else []),
        *pairs("--signal-option", settings.signal_options),
    ]


def pairs(flag: str, options: object) -> list[str]:
    """Return the words of options that are given as KEY=VALUE."""
    given = options if isinstance(options, dict) else {}
    return [
        word
        for key, value in given.items()
        for word in (flag, f"{key}={value if isinstance(value, str) else json.dumps(value)}")
    ]
