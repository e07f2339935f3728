"""The slice that represents a signal of more than two axes in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal


def middle_slice(signal: Signal) -> Signal:
    """Return the last two axes (rows, columns) at the middle of all others.

    Args:
        signal: a signal of at least two axes; a picture is returned as it is.

    Returns:
        Rows, columns and channels, without metadata that applies only to the whole signal.
    """
    leading = signal.values.shape[:-3]
    if not leading:
        return signal
    values = signal.values[tuple(n // 2 for n in leading)]
    return replace(signal, values=values, sample_rate=None, meta={}, window=None)


def slice_text(shape: Sequence[int], *, timed: bool) -> str:
    """Describe the slice, counted from 1: `slice 9 of 16`; empty for up to two axes.

    Args:
        shape: samples along each axis, without channels.
        timed: whether axis 0 is time.
    """
    words = ["frame" if timed and axis == 0 else "slice" for axis in range(len(shape))]
    return ", ".join(
        f"{word} {n // 2 + 1} of {n}" for word, n in zip(words, shape[:-2], strict=False)
    )
