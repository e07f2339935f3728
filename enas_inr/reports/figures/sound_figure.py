"""The figure of a sound: waves, their difference, and spectrograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enas_inr.reports.figures.drawing import (
    WAVE,
    WRONG,
    border_text,
    caption,
    db_text,
    new_figure,
    settle,
    styled,
)
from enas_inr.reports.figures.waves import (
    TimeAxis,
    draw_spectrogram,
    draw_wave,
    facts_of,
    wave_of,
)
from enas_inr.signals.partition import Partition, cell_edges
from enas_inr.signals.quality import border_psnr_db, psnr_db
from enas_inr.signals.signal import Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 10.25, 11.0  # inches
_HEIGHTS = (1.15, 1.15, 1.15, 1.7, 1.7)  # of the panels, relative
_COLUMNS = 2000  # of a wave that is drawn as its extremes
_BORDER = "#b4bcc5"


@styled
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
    waves = [wave_of(signal) for signal in (original, reconstruction)]
    difference = waves[1] - waves[0]
    reach, largest = (max(float(wave.abs().max()) for wave in of) for of in (waves, [difference]))
    time = TimeAxis.of(original)
    edges = cell_edges(partition.shape[0], partition.grid[0])[1:-1]
    facts = f"largest {largest:.2g}", f"{partition.cell_count} cells" * bool(edges)
    captions = [
        ("Original", facts_of(original)),
        ("Reconstruction", f"PSNR {db_text(psnr_db(first, second))}"),
        ("Reconstruction - original", "; ".join(filter(None, [*facts, border_text(beside)]))),
        ("Spectrogram of the original", f"windows of {time.window} samples"),
        ("Spectrogram of the reconstruction", "relative to the loudest of the original"),
    ]
    figure = new_figure(_WIDTH, _HEIGHT)
    panels = figure.subplots(5, 1, sharex=True, height_ratios=_HEIGHTS)
    for panel, (title, detail) in zip(panels, captions, strict=True):
        caption(panel, title, detail)
    for panel, wave, color, most in zip(
        panels[:3],
        (*waves, difference),
        (WAVE, WAVE, WRONG),
        (reach, reach, largest),
        strict=True,
    ):
        draw_wave(panel, wave, time, color, reach=most, columns=_COLUMNS)
        _draw_edges(panel, [(edge - 0.5) * time.step for edge in edges])
    for panel, wave in zip(panels[3:], waves, strict=True):
        image = draw_spectrogram(panel, wave, time, waves[0])
    figure.colorbar(image, ax=panels[3:], label="dB", aspect=30, pad=0.01)
    panels[-1].set_xlabel(time.label)
    settle(figure)
    return figure


def _draw_edges(axes: Axes, edges: list[float]) -> None:
    from matplotlib.collections import LineCollection

    lines = LineCollection(
        [[(edge, 0.0), (edge, 1.0)] for edge in edges],
        linewidths=min(0.7, 0.08 * 72 * _WIDTH / (len(edges) + 1)),
        colors=_BORDER,
        transform=axes.get_xaxis_transform(),
        zorder=0.5,
    )
    axes.add_collection(lines, autolim=False)
