"""Sounds on axes: their waves and spectrograms, in seconds or samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from enas_inr.signals.partition import cell_edges
from enas_inr.signals.signal import Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from torch import Tensor

_FRAMES = 1500  # columns of a spectrogram, about
_WINDOW_SECONDS = 0.05
_WINDOW_SAMPLES = 1024  # where there is no sample rate
_DEPTH_DB = 90.0  # below the loudest, all is black
_SILENCE = 1e-20  # power: a logarithm needs some
_DOTS = 100  # shorter waves have a dot on every sample


@dataclass(frozen=True)
class TimeAxis:
    """How a sound's samples and frequencies are drawn.

    Attributes:
        label: of the time axis.
        frequency_label: of the spectrograms' vertical axis.
        step: from sample to sample, in the axis's units.
        top: the highest frequency, in its axis's units.
        frames: of the sound.
        window: of the spectrogram in samples: a power of 2, at most a quarter of the sound.
    """

    label: str
    frequency_label: str
    step: float
    top: float
    frames: int
    window: int

    @classmethod
    def of(cls, signal: Signal) -> TimeAxis:
        """Seconds, or milliseconds where a sound is short; samples where it has no rate."""
        rate, frames = signal.sample_rate, len(signal.values)
        wanted = _WINDOW_SAMPLES if rate is None else _WINDOW_SECONDS * rate
        longest = max(frames // 4, 4)
        window = min(1 << round(math.log2(max(wanted, 4))), 1 << (longest.bit_length() - 1))
        if rate is None:
            return cls("sample", "cycles per sample", 1.0, 0.5, frames, window)
        unit, scale = ("time (ms)", 1e3) if frames < rate else ("time (s)", 1.0)
        return cls(unit, "frequency (kHz)", scale / rate, rate / 2e3, frames, window)

    @property
    def hop(self) -> int:
        """From column to column of the spectrogram, in samples."""
        return max(self.window // 8, self.frames // _FRAMES, 1)


def wave_of(signal: Signal) -> Float[Tensor, " frames"]:
    """The mean of a sound's channels."""
    return signal.values.detach().cpu().float().nan_to_num().mean(-1)


def facts_of(signal: Signal) -> str:
    """How long a sound is, and of how many channels."""
    frames, channels = signal.values.shape
    length = f"{frames} sample" + "s" * (frames > 1)
    if signal.sample_rate is not None:
        length = f"{frames / signal.sample_rate:.3g} s at {signal.sample_rate} Hz, {length}"
    return length if channels == 1 else f"{length}, mean of {channels} channels"


def draw_wave(
    axes: Axes,
    wave: Float[Tensor, " frames"],
    time: TimeAxis,
    color: str,
    *,
    reach: float,
    columns: int = 500,
) -> None:
    """Draw a wave, where it is long as its extremes in each of many columns.

    Args:
        axes: half a sample of room is left on both sides.
        wave: the mean of the channels.
        time: of the sound.
        color: of the wave.
        reach: the largest absolute value for which there is room.
        columns: of extremes.
    """
    values = wave.numpy()
    if len(values) <= 2 * columns:
        at = np.arange(len(values)) * time.step
        style = "o-" if len(values) <= _DOTS else "-"
        axes.plot(at, values, style, color=color, linewidth=0.9, markersize=2.5)
    else:
        edges = np.array(cell_edges(len(values), columns))
        lowest = np.minimum.reduceat(values, edges[:-1])
        highest = np.maximum.reduceat(values, edges[:-1])
        middle = (edges[:-1] + edges[1:] - 1) / 2 * time.step
        axes.fill_between(middle, lowest, highest, color=color, linewidth=0.5)
    axes.set_xlim(-0.5 * time.step, (time.frames - 0.5) * time.step)
    axes.set_ylim(-(1.08 * reach or 1.0), 1.08 * reach or 1.0)
    axes.yaxis.set_major_formatter("{x:.3g}")  # a common factor would lie on the caption


def draw_spectrogram(
    axes: Axes,
    wave: Float[Tensor, " frames"],
    time: TimeAxis,
    original: Float[Tensor, " frames"],
) -> AxesImage:
    """Draw the power of a wave in dB relative to the loudest of the original's.

    Returns:
        The image, for a colour bar: all of one original have the same scale.
    """
    power = _power_db(wave, time)
    loudest = max(float(_power_db(original, time).max()), 10 * math.log10(_SILENCE) + _DEPTH_DB)
    rows, columns = power.shape
    across, up = time.hop * time.step, time.top / (rows - 1)
    image = axes.imshow(
        power - loudest,
        cmap="magma",
        vmin=-_DEPTH_DB,
        vmax=0,
        origin="lower",
        aspect="auto",
        extent=(-0.5 * across, (columns - 0.5) * across, -0.5 * up, (rows - 0.5) * up),
    )
    axes.set_xlim(-0.5 * time.step, (time.frames - 0.5) * time.step)
    axes.set(ylim=(0, time.top), ylabel=time.frequency_label)
    return image


def _power_db(wave: Float[Tensor, " frames"], time: TimeAxis) -> npt.NDArray[np.float32]:
    """The log spectrogram, `[frequencies, columns]`, with Hann windows that overlap."""
    import torch

    transformed = torch.stft(
        wave,
        n_fft=time.window,
        hop_length=time.hop,
        window=torch.hann_window(time.window),
        pad_mode="constant",
        return_complex=True,
    )
    power: npt.NDArray[np.float32] = transformed.abs().square().clamp_min(_SILENCE).log10().numpy()
    return 10 * power
