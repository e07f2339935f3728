"""Sounds of a report: a wave and a spectrogram for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from enas_inr.reports.figures.drawing import (
    WAVE,
    WRONG,
    caption,
    new_figure,
    settle,
    shortened,
    styled,
)
from enas_inr.reports.figures.waves import TimeAxis, draw_spectrogram, draw_wave, wave_of
from enas_inr.signals.signal import Signal

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

LINE_HEIGHT = 1.45  # inches: of a wave and its spectrogram, with their caption


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


def draw_sounds(figure: SubFigure, lines: Sequence[SoundLine]) -> None:
    """Draw the original's wave, what each other adds to it, and all spectrograms."""
    original, *others = (wave_of(line.sound) for line in lines)
    differences = [wave - original for wave in others]
    reach = max([float(wave.abs().max()) for wave in differences], default=0.0)
    time = TimeAxis.of(lines[0].sound)
    panels = figure.subplots(len(lines), 2, sharex=True, squeeze=False)
    draw_wave(panels[0, 0], original, time, WAVE, reach=float(original.abs().max()))
    for (left, _), difference in zip(panels[1:], differences, strict=True):
        draw_wave(left, difference, time, WRONG, reach=reach)
    for (left, right), line, wave in zip(panels, lines, [original, *others], strict=True):
        image = draw_spectrogram(right, wave, time, original)
        caption(left, shortened(line.name, 44), line.detail, small=True)
        caption(right, "", "spectrogram", small=True)
    for panel in panels[-1]:
        panel.set_xlabel(time.label)
    figure.colorbar(image, ax=panels, label="dB", shrink=min(1.0, 2.5 / len(lines)), anchor=(0, 1))


@styled
def sound_picture(sound: Signal, original: Signal) -> Figure:
    """A wave and a spectrogram, which is relative to the loudest of the original, on one figure.

    Args:
        sound: values `[frames, channels]`, with a sample rate.
        original: of the same shape; also the sound itself.
    """
    figure = new_figure(4.5, 2.75)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 4))
    time, wave, first = TimeAxis.of(sound), wave_of(sound), wave_of(original)
    draw_wave(upper, wave, time, WAVE, reach=max(float(w.abs().max()) for w in (wave, first)))
    draw_spectrogram(lower, wave, time, first)
    lower.set_xlabel(time.label)
    settle(figure)
    return figure
