"""The slice by which a signal of more than two axes is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from enas_inr.signals.signal import Signal


def middle_slice(signal: Signal) -> Signal:
    """The last two axes (rows, columns) at the middle of all others; a picture is its own.

    Args:
        signal: of at least two axes.

    Returns:
        Rows, columns, channels, and nothing that is true of the whole alone.
    """
    leading = signal.values.shape[:-3]
    if not leading:
        return signal
    values = signal.values[tuple(n // 2 for n in leading)]
    return replace(signal, values=values, sample_rate=None, meta={}, window=None)


def slice_text(shape: Sequence[int], *, timed: bool) -> str:
    """Which slice that is, counted from 1: `slice 9 of 16`; empty for at most two axes.

    Args:
        shape: samples along each axis, without channels.
        timed: whether axis 0 is time.
    """
    words = ["frame" if timed and axis == 0 else "slice" for axis in range(len(shape))]
    return ", ".join(
        f"{word} {n // 2 + 1} of {n}" for word, n in zip(words, shape[:-2], strict=False)
    )
