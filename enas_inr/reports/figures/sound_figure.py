"""The figure of a sound: waves, their difference, and spectrograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from enas_inr.reports.figures.drawing import (
    CAPTION,
    INK,
    LABEL_POINTS,
    POINTS_PER_INCH,
    RULE,
    border_text,
    caption,
    color_bar,
    db_text,
    new_figure,
)
from enas_inr.signals.partition import Partition, cell_edges
from enas_inr.signals.quality import border_psnr_db, psnr_db
from enas_inr.signals.signal import Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from torch import Tensor

_DPI = 120.0
_WIDTH = 8.5  # inches: of a panel
_HEIGHTS = (1.15, 1.15, 1.15, 1.7, 1.7)  # inches: of the panels
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.8, 0.95, 0.2, 0.6  # inches: around them
_SPACE = 0.25  # inches: between a panel and the next caption
_BAR_GAP, _BAR = 0.12, 0.14  # inches

_COLUMNS = 2000  # of a wave that is drawn as its extremes
_FRAMES = 1500  # columns of a spectrogram, about
_WINDOW_SECONDS = 0.05
_WINDOW_SAMPLES = 1024  # where there is no sample rate
_DEPTH_DB = 90.0  # below the loudest, all is black

_SILENCE = 1e-20  # power: a logarithm needs some
_DOTS = 100  # shorter waves have a dot on every sample

WAVE_COLORS = "#2a5ba8", "#2a5ba8", "#b3402e"  # of the waves
_BORDER = "#b4bcc5"


@dataclass(frozen=True)
class TimeAxis:
    """The units of the horizontal axis and of frequencies.

    Attributes:
        label: of the time axis.
        frequency_label: of the spectrograms' vertical axis.
        step: from sample to sample, in the axis's units.
        top: the highest frequency, in its axis's units.
        rate: samples per second, if there is one.
    """

    label: str
    frequency_label: str
    step: float
    top: float
    rate: int | None


def sound_figure(original: Signal, reconstruction: Signal, partition: Partition) -> Figure:
    """Draw a sound, or any signal of one axis, with PSNR; of several channels, their mean.

    Args:
        original: frames, channels.
        reconstruction: of the same shape.
        partition: how the sound was cut.

    Raises:
        SignalError: the shapes differ.
    """
    first, second = (signal.values.detach().cpu() for signal in (original, reconstruction))
    beside = border_psnr_db(partition, first, second)
    psnr = db_text(psnr_db(first, second))
    waves = [values.float().nan_to_num().mean(-1) for values in (first, second)]
    difference = waves[1] - waves[0]
    time = time_axis(original)
    window = spectrogram_window(len(first), time)
    edges = cell_edges(partition.shape[0], partition.grid[0])[1:-1]

    size, places = _layout()
    figure = new_figure(*size, _DPI)
    panels = [figure.add_axes(place) for place in places]
    for panel, wave, color in zip(panels, (*waves, difference), WAVE_COLORS, strict=False):
        draw_wave(panel, wave, time, color)
        _draw_edges(panel, edges, time)
    reach = max(float(wave.abs().max()) for wave in waves)
    largest = float(difference.abs().max())
    for panel, most in zip(panels, (reach, reach, largest), strict=False):
        panel.set_ylim(*(sign * (1.08 * most or 1.0) for sign in (-1, 1)))
        panel.yaxis.set_major_formatter("{x:.3g}")  # a common factor would lie on the caption
    image = draw_spectrograms(panels[3:], waves, window, time)
    spectrogram_bar(figure, image, panels[3], panels[4])
    for index, panel in enumerate(panels):
        style_time(panel, len(difference), time, labelled=index == len(panels) - 1)

    cells = f"{partition.cell_count} cells" if edges else ""
    captions = [
        ("Original", facts_of(original)),
        ("Reconstruction", f"PSNR {psnr}"),
        (
            "Reconstruction - original",
            _joined(f"largest {largest:.2g}", cells, border_text(beside)),
        ),
        ("Spectrogram of the original", f"windows of {window} samples"),
        ("Spectrogram of the reconstruction", "relative to the loudest of the original"),
    ]
    for panel, (title, detail) in zip(panels, captions, strict=True):
        caption(panel, title, detail)
    return figure


def time_axis(signal: Signal) -> TimeAxis:
    """The units in which a sound is drawn: seconds, or milliseconds where it is short."""
    rate = signal.sample_rate
    if rate is None:
        return TimeAxis("sample", "cycles per sample", 1.0, 0.5, None)
    if len(signal.values) < rate:
        return TimeAxis("time (ms)", "frequency (kHz)", 1e3 / rate, rate / 2e3, rate)
    return TimeAxis("time (s)", "frequency (kHz)", 1 / rate, rate / 2e3, rate)


def facts_of(signal: Signal) -> str:
    """How long a sound is, and of how many channels."""
    frames, channels = signal.values.shape
    length = f"{frames} sample" + "s" * (frames > 1)
    if signal.sample_rate is not None:
        length = f"{frames / signal.sample_rate:.3g} s at {signal.sample_rate} Hz, {length}"
    return length if channels == 1 else f"{length}, mean of {channels} channels"


def _layout() -> tuple[tuple[float, float], list[tuple[float, float, float, float]]]:
    """Width and height of the figure in inches, and the panels as fractions of it."""
    width = _LEFT + _WIDTH + _RIGHT
    height = _TOP + sum(CAPTION + panel + _SPACE for panel in _HEIGHTS) - _SPACE + _BOTTOM
    places, top = [], height - _TOP
    for panel in _HEIGHTS:
        bottom = top - CAPTION - panel
        places.append((_LEFT / width, bottom / height, _WIDTH / width, panel / height))
        top = bottom - _SPACE
    return (width, height), places


def style_time(axes: Axes, frames: int, time: TimeAxis, *, labelled: bool) -> None:
    """Half a sample of room on both sides; the units below, or neither units nor numbers."""
    axes.set_xlim(-0.5 * time.step, (frames - 0.5) * time.step)
    axes.tick_params(labelsize=LABEL_POINTS, color=RULE, labelcolor=INK, labelbottom=labelled)
    axes.spines[:].set(color=RULE, linewidth=0.6)
    if labelled:
        axes.set_xlabel(time.label, fontsize=LABEL_POINTS, color=INK)


def draw_wave(
    axes: Axes,
    wave: Float[Tensor, " frames"],
    time: TimeAxis,
    color: str,
    columns: int = _COLUMNS,
) -> None:
    """Draw the wave itself, or where it is long, its extremes in each of many columns."""
    values = wave.numpy()
    if len(values) <= 2 * columns:
        style = "o-" if len(values) <= _DOTS else "-"
        at = np.arange(len(values)) * time.step
        axes.plot(at, values, style, color=color, linewidth=0.9, markersize=2.5)
        return
    edges = np.array(cell_edges(len(values), columns))
    lowest = np.minimum.reduceat(values, edges[:-1])
    highest = np.maximum.reduceat(values, edges[:-1])
    middle = (edges[:-1] + edges[1:] - 1) / 2 * time.step
    axes.fill_between(middle, lowest, highest, color=color, linewidth=0.5)


def _draw_edges(axes: Axes, edges: Sequence[int], time: TimeAxis) -> None:
    from matplotlib.collections import LineCollection

    segments = [[((e - 0.5) * time.step, 0.0), ((e - 0.5) * time.step, 1.0)] for e in edges]
    width = min(0.7, 0.08 * _WIDTH * POINTS_PER_INCH / (len(edges) + 1))
    lines = LineCollection(
        segments,
        linewidths=width,
        colors=_BORDER,
        transform=axes.get_xaxis_transform(),
        zorder=0.5,
    )
    axes.add_collection(lines, autolim=False)


def draw_spectrograms(
    panels: Sequence[Axes],
    waves: Sequence[Float[Tensor, " frames"]],
    window: int,
    time: TimeAxis,
) -> AxesImage:
    """Draw the power in dB relative to the loudest of the first wave, the original.

    Returns:
        One of the images, for a colour bar: they have the same scale.
    """
    powers = [_power_db(wave, window) for wave in waves]
    loudest = max(float(powers[0].max()), 10 * math.log10(_SILENCE) + _DEPTH_DB)
    rows, columns = powers[0].shape
    across = _hop(len(waves[0]), window) * time.step
    up = time.top / (rows - 1)
    for panel, power in zip(panels, powers, strict=True):
        image = panel.imshow(
            power - loudest,
            cmap="magma",
            vmin=-_DEPTH_DB,
            vmax=0,
            origin="lower",
            aspect="auto",
            extent=(-0.5 * across, (columns - 0.5) * across, -0.5 * up, (rows - 0.5) * up),
        )
        panel.set_ylim(0, time.top)
        panel.set_ylabel(time.frequency_label, fontsize=LABEL_POINTS, color=INK)
    return image


def spectrogram_bar(figure: Figure, image: AxesImage, first: Axes, last: Axes) -> None:
    """Draw the colour bar of spectrograms to their right, as high as from the first to the last."""
    left, high, width, height = first.get_position().bounds
    low = last.get_position().y0
    inch = 1 / figure.get_figwidth()
    bar = figure.add_axes((left + width + _BAR_GAP * inch, low, _BAR * inch, high + height - low))
    color_bar(figure.colorbar(image, cax=bar), "dB")


def spectrogram_window(frames: int, time: TimeAxis) -> int:
    """The window of the spectrogram in samples: a power of 2, at most a quarter of the sound."""
    wanted = _WINDOW_SAMPLES if time.rate is None else _WINDOW_SECONDS * time.rate
    longest = max(frames // 4, 4)
    return min(1 << round(math.log2(max(wanted, 4))), 1 << (longest.bit_length() - 1))


def _hop(frames: int, window: int) -> int:
    return max(window // 8, frames // _FRAMES, 1)


def _power_db(wave: Float[Tensor, " frames"], window: int) -> npt.NDArray[np.float32]:
    """The log spectrogram, `[frequencies, columns]`, with Hann windows that overlap."""
    import torch

    transformed = torch.stft(
        wave,
        n_fft=window,
        hop_length=_hop(len(wave), window),
        window=torch.hann_window(window),
        pad_mode="constant",
        return_complex=True,
    )
    power: npt.NDArray[np.float32] = transformed.abs().square().clamp_min(_SILENCE).log10().numpy()
    return 10 * power


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)
