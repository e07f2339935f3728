"""The figure of a picture: original, reconstruction, error, and the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxtyping import Float

from enas_inr.reports.figures.drawing import (
    CAPTION,
    RULE,
    border_text,
    borders,
    caption,
    color_bar,
    db_text,
    new_figure,
)
from enas_inr.signals.partition import Partition, cell_edges, cut
from enas_inr.signals.quality import border_psnr_db, psnr_db, ssim
from enas_inr.signals.signal import Signal
from enas_inr.signals.slices import middle_slice, slice_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

_LEVELS_PER_UNIT = 127.5  # 8-bit levels in [-1, 1]
_MODES = {1: "gray", 3: "RGB", 4: "RGBA"}

_PANEL = 5.0  # inches: the longer side of a picture
_SLIMMEST = 0.7  # inches: the shorter side; slimmer pictures are stretched
_NARROWEST = 3.0  # inches for the captions
_MARGIN = 0.25  # inches
_GAP = 0.3  # inches
_BAR_GAP, _BAR, _BAR_LABELS = 0.1, 0.14, 0.6  # inches
_SHARP = 600  # dots along the longer side, at least
_SHARPEST = 1200  # and at the most
_PICTURES = 4
_LEAST_END = 1.0  # level: the end of the colours, however small the error
_OUTLIERS = 0.002  # of the pixels may lie beyond the end of the colours


@dataclass(frozen=True)
class _Layout:
    """Where the pictures go, row by row; in dots, so that pixels are enlarged evenly.

    Attributes:
        dpi: dots per inch.
        columns: pictures side by side.
        panel: width and height of a picture.
        step: from one picture to the next, right and down.
        size: width and height of the figure.
    """

    dpi: float
    columns: int
    panel: tuple[int, int]
    step: tuple[int, int]
    size: tuple[int, int]

    def place(self, index: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a picture, as fractions of the figure."""
        row, column = divmod(index, self.columns)
        (width, height), (across, up) = self.panel, self.size
        left = round(_MARGIN * self.dpi) + column * self.step[0]
        top = round((_MARGIN + CAPTION) * self.dpi) + row * self.step[1]
        return left / across, 1 - (top + height) / up, width / across, height / up

    def place_bar(self, index: int) -> tuple[float, float, float, float]:
        """The same for the colour bar on the right of a picture."""
        left, bottom, width, height = self.place(index)
        dot = self.dpi / self.size[0]
        return left + width + _BAR_GAP * dot, bottom, _BAR * dot, height


def picture_figure(original: Signal, reconstruction: Signal, partition: Partition) -> Figure:
    """Draw a picture and its reconstruction, with PSNR and SSIM.

    Small pictures are enlarged by a whole factor, large ones made smaller. Gray, RGB and RGBA
    (on white) are shown as they are, of other channels the mean. Of more than two axes, the
    middle slice is drawn and measured, beside the PSNR of the whole.

    Args:
        original: of two axes (rows, columns) or more.
        reconstruction: of the same shape.
        partition: how the signal was cut.

    Raises:
        SignalError: the shapes differ.
    """
    whole = psnr_db(original.values.detach().cpu(), reconstruction.values.detach().cpu())
    first, second = (
        middle_slice(signal).values.detach().cpu() for signal in (original, reconstruction)
    )
    place = slice_text(partition.shape, timed=original.sample_rate is not None)
    partition = cut(first, partition.grid[-2:]) if place else partition
    rows, columns, channels = first.shape
    beside = border_psnr_db(partition, first, second)
    levels = (first - second).abs().mean(-1) * _LEVELS_PER_UNIT
    down, across = partition.grid
    psnr = db_text(psnr_db(first, second)) + (f" (of all {db_text(whole)})" if place else "")
    captions = [
        (
            f"Original, {place}" if place else "Original",
            f"{columns}x{rows} {_MODES.get(channels, f'mean of {channels} channels')}",
        ),
        ("Reconstruction", f"PSNR {psnr}, SSIM {ssim(first, second):.4f}"),
        (f"Reconstruction, {across}x{down} cells", border_text(beside)),
        (
            "Absolute error",
            f"mean {float(levels.mean()):.2f}, largest {float(levels.max()):.1f} of 255 levels",
        ),
    ]
    layout = _layout(rows, columns)
    width, height = layout.size
    figure = new_figure(width / layout.dpi, height / layout.dpi, layout.dpi)
    panels = [figure.add_axes(layout.place(index)) for index in range(_PICTURES)]
    for panel, (title, detail) in zip(panels, captions, strict=True):
        caption(panel, title, detail)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set(color=RULE, linewidth=0.6)
    for panel, values in zip(panels, (first, second, second), strict=False):
        _show(panel, values)
    _show_borders(panels[2], partition, [dots / layout.dpi for dots in layout.panel])
    _show_levels(panels[3], figure.add_axes(layout.place_bar(3)), levels)
    return figure


def _layout(rows: int, columns: int) -> _Layout:
    longest = max(rows, columns)
    dots = longest * -(-_SHARP // longest) if longest < _SHARP else min(longest, _SHARPEST)
    dpi = dots / _PANEL
    slimmest, gap, narrowest, above, bar, margin = (
        round(inches * dpi)
        for inches in (
            _SLIMMEST,
            _GAP,
            _NARROWEST,
            CAPTION,
            _BAR_GAP + _BAR + _BAR_LABELS,
            _MARGIN,
        )
    )
    width, height = (max(side * dots // longest, slimmest) for side in (columns, rows))
    across = 4 if rows > 1.7 * columns else 1 if columns > 2.5 * rows else 2
    down = _PICTURES // across
    step = max(width, narrowest) + gap, above + height + gap
    return _Layout(
        dpi=dpi,
        columns=across,
        panel=(width, height),
        step=step,
        size=(
            margin + (across - 1) * step[0] + max(width + bar, narrowest) + margin,
            margin + down * step[1] - gap + margin,
        ),
    )


def _show(axes: Axes, values: Float[Tensor, "rows columns channels"]) -> None:
    shown = values.float().nan_to_num().clamp(-1, 1).add(1).div(2)
    if values.shape[-1] in (3, 4):
        axes.imshow(shown.numpy(), aspect="auto")
    else:
        axes.imshow(shown.mean(-1).numpy(), cmap="gray", vmin=0, vmax=1, aspect="auto")


def _show_levels(axes: Axes, bar: Axes, levels: Float[Tensor, "rows columns"]) -> None:
    """Draw the error; a few outliers must not leave the rest in the dark."""
    import numpy as np

    finite = levels.nan_to_num().numpy()
    end = max(float(np.quantile(finite, 1 - _OUTLIERS)), _LEAST_END)
    image = axes.imshow(finite, cmap="magma", vmin=0, vmax=end, aspect="auto")
    figure = axes.get_figure()
    assert figure is not None
    beyond = "max" if finite.max() > end else "neither"
    color_bar(figure.colorbar(image, cax=bar, extend=beyond, extendfrac=0.03), "levels of 255")


def _show_borders(axes: Axes, partition: Partition, panel: Sequence[float]) -> None:
    rows, columns = partition.shape
    down, across = partition.grid
    vertical = [
        [(edge - 0.5, -0.5), (edge - 0.5, rows - 0.5)] for edge in cell_edges(columns, across)[1:-1]
    ]
    horizontal = [
        [(-0.5, edge - 0.5), (columns - 0.5, edge - 0.5)] for edge in cell_edges(rows, down)[1:-1]
    ]
    cell = min(panel[0] / across, panel[1] / down)
    for lines in borders([*vertical, *horizontal], cell):
        axes.add_collection(lines, autolim=False)
