"""The figure of a picture: original, reconstruction, error, and the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxtyping import Float

from enas_inr.reports.figures.drawing import (
    border_text,
    caption,
    db_text,
    new_figure,
    settle,
    show_errors,
    show_picture,
    styled,
)
from enas_inr.reports.gallery import error_end
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
_PICTURES = 4
_PANEL = 5.0  # inches: the longer side of a picture
_SLIMMEST = 0.7  # inches: the shorter side; slimmer pictures are stretched
_NARROWEST = 3.3  # inches for the captions
_CAPTION, _BAR = 0.6, 0.8  # inches: above a picture, and beside the last
_SHARP = 600  # dots along the longer side, at least
_SHARPEST = 1200  # and at the most


@styled()
def picture_figure(original: Signal, reconstruction: Signal, partition: Partition) -> Figure:
    """Draw a picture and its reconstruction, with PSNR and SSIM.

    Small pictures are enlarged by a whole factor, and large ones made smaller. Gray, RGB and RGBA
    (on white) are shown as they are, and other channels as their mean. If there are more than two
    axes, the middle slice is drawn and measured, beside the PSNR of the whole.

    Args:
        original: a signal of two axes (rows, columns) or more.
        reconstruction: a signal of the same shape.
        partition: the cells into which the signal was cut.

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
    levels = (first - second).abs().mean(-1) * _LEVELS_PER_UNIT
    down, across = partition.grid
    psnr = db_text(psnr_db(first, second)) + (f" (of all {db_text(whole)})" if place else "")
    captions = [
        (
            f"Original, {place}" if place else "Original",
            f"{columns}x{rows} {_MODES.get(channels, f'mean of {channels} channels')}",
        ),
        ("Reconstruction", f"PSNR {psnr}, SSIM {ssim(first, second):.4f}"),
        (
            f"Reconstruction, {across}x{down} cells",
            border_text(border_psnr_db(partition, first, second)),
        ),
        (
            "Absolute error",
            f"mean {float(levels.mean()):.2f}, largest {float(levels.max()):.1f} of 255 levels",
        ),
    ]
    figure, panels = _panels(rows, columns)
    for panel, (title, detail) in zip(panels, captions, strict=True):
        caption(panel, title, detail)
    for panel, values in zip(panels, (first, second, second), strict=False):
        _show(panel, values)
    _show_levels(panels[3], levels)
    settle(figure)
    place_of = panels[0].get_position()
    width = place_of.width * figure.get_figwidth()
    _show_borders(panels[2], partition, width)
    # Only now is it known how many dots a pixel has to have to be enlarged evenly.
    longest = max(rows, columns)
    dots = longest * -(-_SHARP // longest) if longest < _SHARP else min(longest, _SHARPEST)
    figure.set_dpi(dots * columns / longest / width)
    return figure


def _panels(rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Return four panels with the proportions of the picture, arranged close to a square."""
    longest = max(rows, columns)
    width, height = (max(_PANEL * side / longest, _SLIMMEST) for side in (columns, rows))
    across = 4 if rows > 1.7 * columns else 1 if columns > 2.5 * rows else 2
    down = _PICTURES // across
    figure = new_figure(across * max(width + 0.2, _NARROWEST) + _BAR, down * (height + _CAPTION))
    panels = list(figure.subplots(down, across, squeeze=False).flat)
    for panel in panels:
        panel.set(xticks=[], yticks=[], anchor="NW")
        panel.set_box_aspect(height / width)
    return figure, panels


def _show(axes: Axes, values: Float[Tensor, "rows columns channels"]) -> None:
    shown = values.float().nan_to_num().clamp(-1, 1).add(1).div(2)
    shown = shown if values.shape[-1] in (3, 4) else shown.mean(-1, keepdim=True)
    show_picture(axes, shown.numpy())


def _show_levels(axes: Axes, levels: Float[Tensor, "rows columns"]) -> None:
    """Draw the error, on a scale that a few outliers do not widen."""
    finite = levels.nan_to_num().numpy()
    end = error_end([finite])
    image = show_errors(axes, finite, end)
    wide = _PANEL * min(1.0, 1 / float(axes.get_box_aspect() or 1))
    axes.figure.colorbar(
        image, cax=axes.inset_axes((1 + 0.1 / wide, 0, 0.14 / wide, 1)), label="levels of 255",
        extend="max" if finite.max() > end else "neither", extendfrac=0.03,
    )  # fmt: skip


def _show_borders(axes: Axes, partition: Partition, width: float) -> None:
    """Draw lines that are visible on dark and on light, and thin for small cells."""
    (rows, columns), (down, across) = partition.shape, partition.grid
    cell = min(width / across, width * float(axes.get_box_aspect() or 1) / down)
    line = min(0.8, 0.06 * cell * 72)
    for color, alpha, thick in (("black", 0.45, 2.2 * line), ("white", 0.9, line)):
        look: dict[str, Any] = {"color": color, "alpha": alpha, "linewidth": thick}
        axes.vlines([e - 0.5 for e in cell_edges(columns, across)[1:-1]], -0.5, rows - 0.5, **look)
        axes.hlines([e - 0.5 for e in cell_edges(rows, down)[1:-1]], -0.5, columns - 0.5, **look)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
