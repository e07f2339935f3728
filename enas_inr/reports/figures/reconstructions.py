"""The sheet of reconstructions: every one beside the original, with what it gets wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from enas_inr.reports.figures.charts import WIDTH, details_of
from enas_inr.reports.figures.drawing import (
    caption,
    db_text,
    new_figure,
    settle,
    shortened,
    show_errors,
    show_picture,
    styled,
)
from enas_inr.reports.figures.sounds import LINE_HEIGHT, draw_sounds, facts_of
from enas_inr.reports.gallery import Pictured, error_end, error_levels, pictured
from enas_inr.reports.rows import Results, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

MOST = 8
_WIDTH = 9.6  # inches: of the figure, at most
_TILE = 1.85  # inches: the width of a picture, with the gap beside it
_ABOVE = 0.65  # inches: a line's captions and gaps
_SHARP = 300  # dots along a picture, at least


@styled()
def reconstructions_figure(results: Results) -> Figure | None:
    """Draw the originals and at most eight reconstructions: the named ones, else the best.

    Pictures have their absolute error below them (of more than two axes, those of the middle
    slice); of sounds, the difference and the spectrogram are drawn.

    Returns:
        The figure; None if nothing was stored that can be drawn.
    """
    shown = pictured(results, MOST)
    if not shown:
        return None
    texts = []
    if any(not of.is_sound for of in shown):
        texts.append("below: absolute error, mean of the channels, from 8-bit pictures")
    if any(of.place for of in shown):
        texts.append("of more than two axes: the middle slice")
    if any(of.is_sound for of in shown):
        texts.append("sounds: reconstruction minus original")
    sizes = [_size(of) for of in shown]
    heights = [height + 0.3 * (len(shown) > 1) for _, height in sizes]
    width = max(WIDTH, *(width for width, _ in sizes))
    details = details_of(results.report, "; ".join(texts))
    figure = new_figure(width, sum(heights), "Reconstructions", details)
    parts = figure.subfigures(len(shown), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, of in zip(parts, shown, strict=True):
        if len(shown) > 1:
            part.suptitle(shortened(of.signal, 60), x=0.08 / width, ha="left", size=10)
        if of.is_sound:
            sound = of.original[1]
            lines = [(of.name_of(row), _psnr(row), made) for row, _, made in of.rows]
            draw_sounds(part, [("Original", facts_of(sound), sound), *lines])
        else:
            _draw_pictures(part, of)
    settle(figure)
    return figure


def _size(of: Pictured) -> tuple[float, float]:
    """Width and height in inches of what is shown of a signal."""
    if of.is_sound:
        return _WIDTH, LINE_HEIGHT * (1 + len(of.rows)) + 0.3
    across, lines = _grid(of)
    return _TILE * across, lines * (_ABOVE + 2 * (_TILE - 0.16) * _box_aspect(of))


def _box_aspect(of: Pictured) -> float:
    rows, columns = of.original[1].shape[:2]
    return float(min(max(rows / columns, 0.3), 2.0))


def _grid(of: Pictured) -> tuple[int, int]:
    """Tiles side by side, as evenly as the lines can be filled, and lines."""
    count = 1 + len(of.rows)
    lines = math.ceil(count / math.floor(_WIDTH / _TILE))
    return math.ceil(count / lines), lines


def _psnr(row: Row) -> str:
    return row.result.status.value if row.psnr is None else f"PSNR {db_text(row.psnr.mean)}"


def _detail(of: Pictured, row: Row) -> str:
    label = f"{shortened(row.study.label, 14)}, " if of.labelled and row.study.label else ""
    return label + _psnr(row)


def _draw_pictures(figure: SubFigure, of: Pictured) -> None:
    (_, original), others = of.original, of.rows
    across, lines = _grid(of)
    panels = figure.subplots(2 * lines, across, squeeze=False)
    upper, lower = list(panels[::2].flat), list(panels[1::2].flat)
    for panel in panels.flat:
        panel.set(xticks=[], yticks=[], anchor="NW")
        panel.set_box_aspect(_box_aspect(of))
    rows, columns = original.shape[:2]
    enlarged = "nearest" if max(rows, columns) < _SHARP else "antialiased"
    show_picture(upper[0], original, enlarged)
    caption(upper[0], "Original", f"{columns}x{rows}", small=True)
    errors = [error_levels(original, pixels) for _, _, pixels in others]
    end = error_end(errors)
    tiles = zip(others, errors, upper[1:], lower[1:], strict=False)
    for (row, _, pixels), levels, above, below in tiles:
        show_picture(above, pixels, enlarged)
        caption(above, shortened(row.name, 26), _detail(of, row), small=True)
        image = show_errors(below, levels, end, enlarged)
    lower[0].axis("off")
    figure.colorbar(
        image, cax=lower[0].inset_axes((0, 0.8, 0.95, 0.07)), orientation="horizontal",
        label="error, levels of 255",
        extend="max" if max(float(levels.max()) for levels in errors) > end else "neither",
    )  # fmt: skip
    for free in (*upper[len(others) + 1 :], *lower[len(others) + 1 :]):
        free.remove()
