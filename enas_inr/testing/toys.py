"""Small generated signals for tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

_WAVE = 64  # samples of a period along a long axis
_SHAPES = {1: (2000,), 2: (20, 27), 3: (6, 18, 21), 4: (4, 5, 6, 7)}


def toy_shape(axes: int) -> tuple[int, ...]:
    """Return a small shape of 1 to 4 axes, some of which have an odd length."""
    return _SHAPES[axes]


def toy_signal(
    shape: Sequence[int],
    channels: int = 1,
    *,
    modality: str = "image",
    name: str = "toy",
    sample_rate: int | None = None,
) -> Signal:
    """Make a smooth signal, the same at each call, with values from exactly -1 to exactly 1.

    Every channel is a sum of cosines, one along each axis, with one period along a short axis and
    a period of 64 samples along a long one. Channels differ in phase.

    Args:
        shape: samples along each axis.
        channels: number of channels. Each is scaled to [-1, 1] separately, so that formats that
            scale by the extremes keep the values.
        modality: modality of the signal.
        name: name of the signal.
        sample_rate: samples per second along axis 0; None if no axis is time.
    """
    import torch

    from enas_inr.signals.signal import Signal

    made = []
    for channel in range(channels):
        values = torch.zeros(tuple(shape), dtype=torch.float64)
        for axis, length in enumerate(shape):
            periods = max(1, round(length / _WAVE))
            places = (torch.arange(length, dtype=torch.float64) + 0.5) / length
            wave = torch.cos(2 * math.pi * (periods * places + (channel + axis) / 5))
            values += wave.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        low, high = values.min(), values.max()
        made.append(((values - low) / (high - low).clamp_min(1e-9) * 2 - 1).float())
    return Signal(torch.stack(made, dim=-1), modality, name, sample_rate=sample_rate)
