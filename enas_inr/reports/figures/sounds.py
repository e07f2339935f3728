"""Sounds as figures: waves, their difference, and spectrograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from enas_inr.reports.figures.drawing import (
    WAVE,
    WRONG,
    border_text,
    caption,
    db_text,
    new_figure,
    settle,
    shortened,
    styled,
)
from enas_inr.validation import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.image import AxesImage
    from torch import Tensor

    from enas_inr.signals.partition import Partition
    from enas_inr.signals.signal import Signal

LINE_HEIGHT = 1.45  # inches: of a wave and its spectrogram, with their caption
_WIDTH, _HEIGHT = 10.25, 11.0  # inches: of a preview
_HEIGHTS = (1.15, 1.15, 1.15, 1.7, 1.7)  # of its panels, relative
_FRAMES = 1500  # columns of a spectrogram, about
_WINDOW_SECONDS = 0.05
_WINDOW_SAMPLES = 1024  # where there is no sample rate
_DEPTH_DB = 90.0  # below the loudest, all is black
_SILENCE = 1e-20  # power: a logarithm needs some
_DOTS = 100  # shorter waves have a dot on every sample
_BORDER = "#b4bcc5"


@dataclass(frozen=True)
class _Axis:
    """The axes on which a sound and its spectrogram are drawn.

    Attributes:
        label: label of the time axis.
        frequency_label: label of the vertical axis of spectrograms.
        step: distance between two samples, in units of the time axis.
        top: the highest frequency, in units of its axis.
        frames: number of frames of the sound.
        window: window of the spectrogram in samples, a power of 2, at most a quarter of the sound.
        hop: distance between two columns of the spectrogram in samples.
    """

    label: str
    frequency_label: str
    step: float
    top: float
    frames: int
    window: int
    hop: int

    @classmethod
    def of(cls, signal: Signal) -> _Axis:
        """Choose seconds, or milliseconds for short sounds, or samples if there is no rate."""
        rate, frames = signal.sample_rate, len(signal.values)
        wanted = _WINDOW_SAMPLES if rate is None else _WINDOW_SECONDS * rate
        longest = max(frames // 4, 4)
        window = min(1 << round(math.log2(max(wanted, 4))), 1 << (longest.bit_length() - 1))
        hop = max(window // 8, frames // _FRAMES, 1)
        if rate is None:
            return cls("sample", "cycles per sample", 1.0, 0.5, frames, window, hop)
        label, scale = ("time (ms)", 1e3) if frames < rate else ("time (s)", 1.0)
        return cls(label, "frequency (kHz)", scale / rate, rate / 2e3, frames, window, hop)


@styled()
def sound_figure(original: Signal, reconstruction: Signal, partition: Partition) -> Figure:
    """Draw a sound, or any signal of one axis, with PSNR, and the mean of several channels.

    Args:
        original: the sound.
        reconstruction: a sound of the same shape.
        partition: the cells into which the sound was cut.

    Raises:
        SignalError: the shapes differ.
    """
    from enas_inr.signals.partition import cell_edges
    from enas_inr.signals.quality import border_psnr_db, psnr_db

    first, second = (signal.values.detach().cpu() for signal in (original, reconstruction))
    beside = border_text(border_psnr_db(partition, first, second))
    waves = [_wave(original), _wave(reconstruction)]
    difference = waves[1] - waves[0]
    axis = _Axis.of(original)
    edges = cell_edges(partition.shape[0], partition.grid[0])[1:-1]
    facts = f"largest {_reach(difference):.2g}", f"{partition.cell_count} cells" * bool(edges)
    captions = [
        ("Original", facts_of(original)),
        ("Reconstruction", f"PSNR {db_text(psnr_db(first, second))}"),
        ("Reconstruction - original", "; ".join(filter(None, [*facts, beside]))),
        ("Spectrogram of the original", f"windows of {axis.window} samples"),
        ("Spectrogram of the reconstruction", "relative to the loudest part of the original"),
    ]
    figure = new_figure(_WIDTH, _HEIGHT)
    panels = figure.subplots(5, 1, sharex=True, height_ratios=_HEIGHTS)
    for panel, (title, detail) in zip(panels, captions, strict=True):
        caption(panel, title, detail)
    reach, look = _reach(*waves), {"columns": 2000}
    _draw_wave(panels[0], waves[0], axis, WAVE, reach, **look)
    _draw_wave(panels[1], waves[1], axis, WAVE, reach, **look)
    _draw_wave(panels[2], difference, axis, WRONG, _reach(difference), **look)
    for panel in panels[:3]:
        panel.vlines(
            [(edge - 0.5) * axis.step for edge in edges], 0, 1, colors=_BORDER, zorder=0.5,
            linewidths=min(0.7, 0.08 * 72 * _WIDTH / (len(edges) + 1)),
            transform=panel.get_xaxis_transform(),
        )  # fmt: skip
    for panel, wave in zip(panels[3:], waves, strict=True):
        image = _draw_spectrogram(panel, wave, axis, waves[0])
    figure.colorbar(image, ax=panels[3:], label="dB", aspect=30, pad=0.01)
    panels[-1].set_xlabel(axis.label)
    settle(figure)
    return figure


def draw_sounds(figure: SubFigure, lines: Sequence[tuple[str, str, Signal]]) -> None:
    """Draw the wave of the original, the difference of each other sound, and all spectrograms.

    Args:
        figure: the figure, with a line for each sound.
        lines: a name, a detail and a sound for each line; the original is first.
    """
    original, *others = (_wave(sound) for _, _, sound in lines)
    differences = [wave - original for wave in others]
    axis = _Axis.of(lines[0][2])
    panels = figure.subplots(len(lines), 2, sharex=True, squeeze=False)
    _draw_wave(panels[0, 0], original, axis, WAVE, _reach(original))
    for (left, _), difference in zip(panels[1:], differences, strict=True):
        _draw_wave(left, difference, axis, WRONG, _reach(*differences))
    for (left, right), (name, detail, _), wave in zip(
        panels, lines, [original, *others], strict=True
    ):
        image = _draw_spectrogram(right, wave, axis, original)
        caption(left, shortened(name, 44), detail, small=True)
        caption(right, "", "spectrogram", small=True)
    for panel in panels[-1]:
        panel.set_xlabel(axis.label)
    figure.colorbar(image, ax=panels, label="dB", shrink=min(1.0, 2.5 / len(lines)), anchor=(0, 1))


@styled()
def sound_picture(sound: Signal, original: Signal) -> Figure:
    """Draw a wave and its spectrogram, relative to the loudest part of the original.

    Args:
        sound: a sound with a sample rate.
        original: a sound of the same shape, or the sound itself.
    """
    figure = new_figure(4.5, 2.75)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 4))
    axis, wave, first = _Axis.of(sound), _wave(sound), _wave(original)
    _draw_wave(upper, wave, axis, WAVE, _reach(wave, first))
    _draw_spectrogram(lower, wave, axis, first)
    lower.set_xlabel(axis.label)
    settle(figure)
    return figure


def facts_of(signal: Signal) -> str:
    """Return the length and the number of channels of a sound as text."""
    frames, channels = signal.values.shape
    length = counted(frames, "sample")
    if signal.sample_rate is not None:
        length = f"{frames / signal.sample_rate:.3g} s at {signal.sample_rate} Hz, {length}"
    return length if channels == 1 else f"{length}, mean of {channels} channels"


def _wave(signal: Signal) -> Float[Tensor, " frames"]:
    return signal.values.detach().cpu().float().nan_to_num().mean(-1)


def _reach(*waves: Float[Tensor, " frames"]) -> float:
    """Return the largest absolute value."""
    return max(float(wave.abs().max()) for wave in waves)


def _draw_wave(
    panel: Axes,
    wave: Float[Tensor, " frames"],
    axis: _Axis,
    color: str,
    reach: float,
    columns: int = 500,
) -> None:
    """Draw a wave; a long one as its extremes in each of many columns."""
    values = wave.numpy()
    if len(values) <= 2 * columns:
        style = "o-" if len(values) <= _DOTS else "-"
        at = np.arange(len(values)) * axis.step
        panel.plot(at, values, style, color=color, linewidth=0.9, markersize=2.5)
    else:
        edges = np.arange(columns + 1) * len(values) // columns
        lowest = np.minimum.reduceat(values, edges[:-1])
        highest = np.maximum.reduceat(values, edges[:-1])
        middle = (edges[:-1] + edges[1:] - 1) / 2 * axis.step
        panel.fill_between(middle, lowest, highest, color=color, linewidth=0.5)
    panel.set_xlim(-0.5 * axis.step, (axis.frames - 0.5) * axis.step)
    panel.set_ylim(-(1.08 * reach or 1.0), 1.08 * reach or 1.0)
    panel.yaxis.set_major_formatter("{x:.3g}")  # a common factor would lie on the caption


def _draw_spectrogram(
    panel: Axes, wave: Float[Tensor, " frames"], axis: _Axis, original: Float[Tensor, " frames"]
) -> AxesImage:
    """Draw the power in dB relative to the loudest part of the original, on one scale for all."""
    power = _power_db(wave, axis)
    loudest = max(float(_power_db(original, axis).max()), 10 * math.log10(_SILENCE) + _DEPTH_DB)
    rows, columns = power.shape
    across, up = axis.hop * axis.step, axis.top / (rows - 1)
    image = panel.imshow(
        power - loudest, cmap="magma", vmin=-_DEPTH_DB, vmax=0, origin="lower", aspect="auto",
        extent=(-0.5 * across, (columns - 0.5) * across, -0.5 * up, (rows - 0.5) * up),
    )  # fmt: skip
    panel.set_xlim(-0.5 * axis.step, (axis.frames - 0.5) * axis.step)
    panel.set(ylim=(0, axis.top), ylabel=axis.frequency_label)
    return image


def _power_db(wave: Float[Tensor, " frames"], axis: _Axis) -> Any:
    """Return the spectrogram in dB, `[frequencies, columns]`, with overlapping Hann windows."""
    import torch

    window = torch.hann_window(axis.window)
    transformed = torch.stft(
        wave, axis.window, axis.hop, window=window, pad_mode="constant", return_complex=True
    )
    return 10 * transformed.abs().square().clamp_min(_SILENCE).log10().numpy()
