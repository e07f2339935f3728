"""The sheet of reconstructions: every one beside the original, with what it gets wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from enas_inr.reports.figures.charts import DPI, details_of
from enas_inr.reports.figures.drawing import (
    INK,
    RULE,
    caption,
    color_bar,
    db_text,
    heading,
    heading_inches,
    new_figure,
    shortened,
)
from enas_inr.reports.figures.sound_figure import facts_of
from enas_inr.reports.figures.sound_sheet import SoundLine, draw_sounds, sounds_height
from enas_inr.reports.pictured import (
    Levels,
    Pictured,
    error_end,
    error_levels,
    pictured,
)
from enas_inr.reports.rows import Row
from enas_inr.signals.picture import Pixels
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.record import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 8
_WIDTH = 9.6  # inches: of the figure, at most
_LEAST = 7.4  # inches
_SIDE = 0.15  # inches: left and right
_TILE = 1.73  # inches: the width of a picture
_GAP = 0.15  # inches: between pictures
_ABOVE = 0.42  # inches: a picture's name and PSNR
_BETWEEN = 0.06  # inches: from a reconstruction to its error
_SIGNAL = 0.3  # inches: a signal's name
_SHARP = 300  # dots along a picture, at least


@dataclass(frozen=True)
class _Tile:
    name: str
    detail: str
    pixels: Pixels
    levels: Levels


@dataclass(frozen=True)
class _Sheet:
    """The pictures of one signal.

    Attributes:
        tile: width and height of a picture in inches.
    """

    signal: str
    original: Pixels
    tiles: tuple[_Tile, ...]
    tile: tuple[float, float]

    @property
    def across(self) -> int:
        """Tiles side by side, as evenly as the lines can be filled."""
        fit = max(1, math.floor((_WIDTH - 2 * _SIDE + _GAP) / (self.tile[0] + _GAP)))
        return math.ceil((len(self.tiles) + 1) / math.ceil((len(self.tiles) + 1) / fit))

    @property
    def width(self) -> float:
        """The width of a line of tiles, with its margins."""
        return 2 * _SIDE + self.across * (self.tile[0] + _GAP) - _GAP

    @property
    def line(self) -> float:
        """The height of a line of tiles."""
        return _ABOVE + 2 * self.tile[1] + _BETWEEN + _GAP

    @property
    def height(self) -> float:
        """The height of all lines."""
        return self.line * math.ceil((len(self.tiles) + 1) / self.across)


def reconstructions_figure(report: Report) -> Figure | None:
    """Draw the originals and at most eight reconstructions: the named ones, else the best.

    Pictures have their absolute error below them (of more than two axes, those of the middle
    slice); of sounds, the difference and the spectrogram are drawn.

    Returns:
        The figure; None if nothing was stored that can be drawn.
    """
    shown = pictured(report, MOST)
    sheets = [made for of in shown if (made := _sheet(of)) is not None]
    if not sheets:
        return None
    texts = []
    if any(isinstance(sheet, _Sheet) for sheet in sheets):
        texts.append("below: absolute error, mean of the channels, from 8-bit pictures")
    if any(of.place for of in shown):
        texts.append("of more than two axes: the middle slice")
    if any(not isinstance(sheet, _Sheet) for sheet in sheets):
        texts.append("sounds: reconstruction minus original")
    details = details_of(report, "; ".join(texts))
    named = _SIGNAL if len(sheets) > 1 else 0.0
    top = heading_inches(details)
    height = top + sum(named + _height(sheet) for sheet in sheets) + 0.1
    wide = max(s.width if isinstance(s, _Sheet) else _WIDTH for s in sheets)
    figure = new_figure(max(wide, _LEAST), height, DPI)
    heading(figure, "Reconstructions", details)
    for sheet in sheets:
        name = sheet.signal if isinstance(sheet, _Sheet) else sheet[0]
        if named:
            figure.text(
                _SIDE / figure.get_figwidth(), 1 - top / height, shortened(name, 60),
                fontsize=10, color=INK, verticalalignment="top", parse_math=False,
            )  # fmt: skip
        top += named
        if isinstance(sheet, _Sheet):
            _draw(figure, sheet, top)
        else:
            draw_sounds(figure, sheet[1], top)
        top += _height(sheet)
    return figure


def _height(sheet: _Sheet | tuple[str, list[SoundLine]]) -> float:
    return sheet.height if isinstance(sheet, _Sheet) else sounds_height(sheet[1])


def _sheet(of: Pictured) -> _Sheet | tuple[str, list[SoundLine]] | None:
    return _sound_sheet(of) if of.is_sound else _picture_sheet(of)


def _picture_sheet(of: Pictured) -> _Sheet | None:
    original = of.original.pixels
    if original is None:
        return None
    tiles = tuple(
        _Tile(row.name, _detail(of, row), pixels, levels)
        for row, picture in of.rows
        if (pixels := picture.pixels) is not None
        and (levels := error_levels(original, pixels)) is not None
    )
    rows, columns = original.shape[:2]
    tall = min(max(_TILE * rows / columns, 0.5), 2 * _TILE)
    wide = min(max(tall * columns / rows, 1.3), _TILE)
    return _Sheet(of.signal, original, tiles, (wide, tall)) if tiles else None


def _sound_sheet(of: Pictured) -> tuple[str, list[SoundLine]] | None:
    original = of.original.sound
    if original is None:
        return None
    lines = [SoundLine("Original", facts_of(original), original)]
    for row, picture in of.rows:
        sound = _like(picture, original.values.shape)
        if sound is not None:
            lines.append(SoundLine(of.name_of(row), _psnr(row), sound))
    return (of.signal, lines) if len(lines) > 1 else None


def _like(picture: StoredPicture, shape: Sequence[int]) -> Any:
    sound = picture.sound
    return sound if sound is not None and sound.values.shape == shape else None


def _detail(of: Pictured, row: Row) -> str:
    label = f"{shortened(row.study.label, 14)}, " if of.labelled and row.study.label else ""
    return label + _psnr(row)


def _psnr(row: Row) -> str:
    return row.result.status.value if row.psnr is None else f"PSNR {db_text(row.psnr.mean)}"


def _draw(figure: Figure, sheet: _Sheet, top: float) -> None:
    end = error_end([tile.levels for tile in sheet.tiles])
    upper = _axes(figure, sheet, 0, top)
    _show(upper, sheet.original)
    rows, columns = sheet.original.shape[:2]
    caption(upper, "Original", f"{columns}x{rows}", small=True)
    for index, tile in enumerate(sheet.tiles, 1):
        upper = _axes(figure, sheet, index, top)
        _show(upper, tile.pixels)
        caption(upper, shortened(tile.name, 26), tile.detail, small=True)
        lower = _axes(figure, sheet, index, top, below=True)
        image = lower.imshow(
            tile.levels, cmap="magma", vmin=0, vmax=end, aspect="auto",
            interpolation=_interpolation(sheet),
        )  # fmt: skip
    beyond = max(float(tile.levels.max()) for tile in sheet.tiles) > end
    free = _axes(figure, sheet, 0, top, below=True).get_position()
    figure.axes[-1].remove()
    dot = 1 / figure.get_figheight()
    bar = figure.add_axes((free.x0, free.y1 - 0.22 * dot, 0.95 * free.width, 0.12 * dot))
    colors = figure.colorbar(
        image, cax=bar, orientation="horizontal", extend="max" if beyond else "neither"
    )
    color_bar(colors, "error, levels of 255")


def _axes(figure: Figure, sheet: _Sheet, index: int, top: float, *, below: bool = False) -> Axes:
    line, column = divmod(index, sheet.across)
    (wide, tall), (width, height) = sheet.tile, figure.get_size_inches()
    down = top + line * sheet.line + _ABOVE + tall + (tall + _BETWEEN if below else 0)
    left = _SIDE + column * (wide + _GAP)
    axes = figure.add_axes((left / width, 1 - down / height, wide / width, tall / height))
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=RULE, linewidth=0.6)
    return axes


def _show(axes: Axes, pixels: Pixels) -> None:
    channels = pixels.shape[-1]
    shown = pixels if channels > 1 else pixels[..., 0]
    enlarged = "nearest" if max(pixels.shape[:2]) < _SHARP else "antialiased"
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation=enlarged)


def _interpolation(sheet: _Sheet) -> str:
    return "nearest" if max(sheet.original.shape[:2]) < _SHARP else "antialiased"
