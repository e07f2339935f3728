"""Sounds of a report: a wave and a spectrogram side by side, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from enas_inr.reports.figures.drawing import LABEL_POINTS, caption, new_figure, shortened
from enas_inr.reports.figures.sound_figure import (
    WAVE_COLORS,
    draw_spectrograms,
    draw_wave,
    spectrogram_bar,
    spectrogram_window,
    style_time,
    time_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from enas_inr.signals.signal import Signal

_DPI = 120.0
_WIDE, _TALL = 3.55, 0.95  # inches: of a panel
_LEFT, _MIDDLE = 0.75, 0.7  # inches: before a wave, and between it and its spectrogram
_ABOVE, _BELOW = 0.5, 0.55  # inches: a line's name; the units under the last
_BESIDE = 0.75  # inches: the colour bar
_COLUMNS = 500  # of a wave that is drawn as its extremes


@dataclass(frozen=True)
class SoundLine:
    """One line: the original comes first.

    Attributes:
        name: of the architecture.
        detail: a quieter word.
        sound: values `[frames, channels]`, with a sample rate.
    """

    name: str
    detail: str
    sound: Signal


def sounds_height(lines: Sequence[SoundLine]) -> float:
    """What `draw_sounds` takes of a figure, in inches."""
    return len(lines) * (_ABOVE + _TALL) + _BELOW


def draw_sounds(figure: Figure, lines: Sequence[SoundLine], top: float) -> None:
    """Draw the original's wave, what each other adds to it, and all spectrograms.

    Args:
        figure: 9.6 inches wide.
        lines: the original, then others of its shape.
        top: inches from the figure's top edge.
    """
    waves = [line.sound.values.float().nan_to_num().mean(-1) for line in lines]
    time = time_axis(lines[0].sound)
    panels = [_line(figure, top + index * (_ABOVE + _TALL)) for index in range(len(lines))]
    differences = [wave - waves[0] for wave in waves[1:]]
    reach = max([float(wave.abs().max()) for wave in differences], default=0.0)
    for index, (line, (left, right)) in enumerate(zip(lines, panels, strict=True)):
        wave = differences[index - 1] if index else waves[0]
        draw_wave(left, wave, time, WAVE_COLORS[2 if index else 0], _COLUMNS)
        most = reach if index else float(wave.abs().max())
        left.set_ylim(-(1.08 * most or 1.0), 1.08 * most or 1.0)
        left.yaxis.set_major_formatter("{x:.3g}")
        caption(left, shortened(line.name, 44), line.detail, small=True)
        caption(right, "", "spectrogram", small=True)
        for panel in (left, right):
            style_time(panel, len(wave), time, labelled=index == len(lines) - 1)
    window = spectrogram_window(len(waves[0]), time)
    image = draw_spectrograms([right for _, right in panels], waves, window, time)
    spectrogram_bar(figure, image, panels[0][1], panels[0][1])


def sound_picture(sound: Signal, original: Signal) -> Figure:
    """A wave and a spectrogram, which is relative to the loudest of the original, on one figure.

    Args:
        sound: values `[frames, channels]`, with a sample rate.
        original: of the same shape; also the sound itself.
    """
    figure = new_figure(_LEFT + _WIDE + 0.2, 2.75, _DPI)
    width, height = figure.get_size_inches()
    time = time_axis(sound)
    waves = [of.values.float().nan_to_num().mean(-1) for of in (original, sound)]
    upper, lower = (
        figure.add_axes((_LEFT / width, low / height, _WIDE / width, tall / height))
        for low, tall in ((1.75, 0.9), (0.45, 1.2))
    )
    draw_wave(upper, waves[1], time, WAVE_COLORS[0], _COLUMNS)
    upper.yaxis.set_major_formatter("{x:.3g}")
    hidden = figure.add_axes((0, 0, 0.01, 0.01))
    draw_spectrograms([hidden, lower], waves, spectrogram_window(len(waves[0]), time), time)
    hidden.remove()
    most = max(float(wave.abs().max()) for wave in waves)
    upper.set_ylim(-(1.08 * most or 1.0), 1.08 * most or 1.0)
    for panel in (upper, lower):
        style_time(panel, len(waves[1]), time, labelled=panel is lower)
    return figure


def _line(figure: Figure, top: float) -> tuple[Axes, Axes]:
    width, height = figure.get_size_inches()
    low = 1 - (top + _ABOVE + _TALL) / height
    left, right = (
        figure.add_axes((start / width, low, _WIDE / width, _TALL / height))
        for start in (_LEFT, _LEFT + _WIDE + _MIDDLE)
    )
    for panel in (left, right):
        panel.yaxis.label.set_fontsize(LABEL_POINTS)
    return left, right
