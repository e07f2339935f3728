"""A report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from enas_inr.reports.figures import FIGURES, chosen_figures
from enas_inr.reports.figures.sound_figure import facts_of
from enas_inr.reports.figures.sound_sheet import sound_picture
from enas_inr.reports.findings import findings
from enas_inr.reports.inline_svg import inline_svg
from enas_inr.reports.page_settings import settings_of
from enas_inr.reports.pictured import (
    Pictured,
    error_end,
    error_levels,
    error_png,
    pictured,
)
from enas_inr.reports.rows import Row, rows
from enas_inr.reports.table import table_of
from enas_inr.signals.files import replace_bytes
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.record import Report

MOST_PICTURES = 12
MOST_SOUNDS = 8  # they are large
_SHEET = "reconstructions"
_FIGURE_TITLES = {
    "psnr_flops": "PSNR against FLOPs",
    "score_flops": "Score against FLOPs",
    "psnr_parameters": "PSNR against parameters",
    "psnr_bytes": "PSNR against bytes",
    "curves": "Learning curves: PSNR at each step",
    "trace": "Search trace: PSNR and score of each decision",
}


@dataclass(frozen=True)
class _Tile:
    """A picture of the gallery; addresses are data URIs, empty where there is none."""

    name: str
    detail: str
    picture: str
    error: str = ""


@dataclass(frozen=True)
class _Gallery:
    signal: str
    tiles: tuple[_Tile, ...]
    end: str
    scale: str


@dataclass(frozen=True)
class _Sound:
    name: str
    detail: str
    address: str
    drawing: str


@dataclass(frozen=True)
class _Sounds:
    signal: str
    sounds: tuple[_Sound, ...]


def write_page(report: Report, path: Path) -> None:
    """Write the page; the file is replaced at once.

    Raises:
        SpecError: an unknown name in `report.figures`.
        SignalError: the file cannot be written.
    """
    replace_bytes(path, render_page(report).encode())


def render_page(report: Report) -> str:
    """The report as HTML; equal reports give equal pages.

    Raises:
        SpecError: an unknown name in `report.figures`.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    chosen = chosen_figures(report)
    every = rows(report)
    shown = pictured(report, MOST_PICTURES) if _SHEET in chosen else []
    environment = Environment(
        loader=DictLoader({"report": _asset("report.html.j2")}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("report").render(
        report=report,
        settings=settings_of(report),
        table=table_of(report, every),
        findings=findings(report),
        several=len(report.studies) > 1,
        figures=[Markup(svg) for svg in _figures(report, chosen)],
        # Without axes, a trace has one decision among all: the table says it already.
        traces=[s for s in report.studies if any(step.axis for step in s.trace)],
        galleries=[
            gallery for of in shown if not of.is_sound and (gallery := _gallery(of)) is not None
        ],
        sounds=[
            sounds
            for index, of in enumerate(shown)
            if of.is_sound and (sounds := _sounds(of, f"sound-{index}")) is not None
        ],
        markup=Markup,
        quantity=_quantity,
        version=version("enas-inr"),
        style=Markup(_asset("page.css")),
        script=Markup(_asset("page.js")),
    )


def _asset(name: str) -> str:
    return (files("enas_inr.reports") / "assets" / name).read_text(encoding="utf-8")


def _quantity(value: float) -> str:
    from enas_inr.validation import format_quantity

    return format_quantity(value)


def _figures(report: Report, chosen: list[str]) -> list[str]:
    made = []
    for name in chosen:
        # The page has its own way to show reconstructions.
        figure = None if name == _SHEET else FIGURES[name](report)
        if figure is not None:
            made.append(inline_svg(figure, f"figure-{name}", _FIGURE_TITLES[name]))
    return made


def _gallery(of: Pictured) -> _Gallery | None:
    original = of.original.pixels
    if original is None:
        return None
    known = [
        (row, picture, error_levels(original, pixels))
        for row, picture in of.rows
        if (pixels := picture.pixels) is not None
    ]
    end = error_end([levels for _, _, levels in known if levels is not None])
    height, width = original.shape[:2]
    tiles = [
        _Tile("Original", _joined(f"{width}x{height} pixels", of.place), _address(of.original))
    ]
    for row, picture, levels in known:
        error = "" if levels is None else _data("image/png", error_png(levels, end))
        tiles.append(_Tile(of.name_of(row), _psnr(row), _address(picture), error))
    ramp = np.linspace(0, end, 64, dtype=np.float32)[None]
    scale = _data("image/png", error_png(ramp, end))
    return _Gallery(of.signal, tuple(tiles), f"{end:.3g}", scale)


def _sounds(of: Pictured, prefix: str) -> _Sounds | None:
    original = of.original.sound
    if original is None:
        return None
    made = []
    known: list[tuple[str, str, StoredPicture]] = [("Original", facts_of(original), of.original)]
    known += [(of.name_of(row), _psnr(row), picture) for row, picture in of.rows[:MOST_SOUNDS]]
    for index, (name, detail, picture) in enumerate(known):
        sound = picture.sound
        if sound is None or sound.values.shape != original.values.shape:
            continue
        title = f"{name}: wave and spectrogram"
        drawing = inline_svg(sound_picture(sound, original), f"{prefix}-{index}", title)
        made.append(_Sound(name, detail, _sound_address(picture, sound), drawing))
    return _Sounds(of.signal, tuple(made))


def _sound_address(picture: StoredPicture, sound: Any) -> str:
    """Of the same samples, in half the bytes where FLAC can hold them."""
    from enas_inr.signals.audio import FAILURES, encode

    try:
        smaller = encode(sound, sound.sample_rate, "FLAC", "PCM_16")
    except FAILURES:
        return _address(picture)
    if len(smaller) >= len(picture.content):
        return _address(picture)
    return _data("audio/flac", smaller)


def _joined(*texts: str) -> str:
    return ", ".join(text for text in texts if text)


def _psnr(row: Row) -> str:
    return row.result.status.value if row.psnr is None else f"PSNR {row.psnr} dB"


def _address(picture: StoredPicture) -> str:
    return _data(picture.mimetype, picture.content)


def _data(mimetype: str, content: bytes) -> str:
    return f"data:{mimetype};base64,{base64.b64encode(content).decode()}"
