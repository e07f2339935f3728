"""A report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

from enas_inr.reports.figures import FIGURES, chosen_figures
from enas_inr.reports.figures.inline_svg import inline_svg
from enas_inr.reports.figures.sound_sheet import sound_picture
from enas_inr.reports.figures.waves import facts_of
from enas_inr.reports.findings import findings
from enas_inr.reports.gallery import Pictured, error_end, error_levels, error_png, pictured
from enas_inr.reports.rows import Results, Row
from enas_inr.reports.settings import settings_of
from enas_inr.reports.table import table_of
from enas_inr.result import Picture
from enas_inr.signals.files import replace_bytes
from enas_inr.signals.signal import Signal
from enas_inr.validation import format_quantity

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


def write_page(results: Results, path: Path) -> None:
    """Write the page; the file is replaced at once.

    Raises:
        SpecError: the report asks for an unknown figure.
        SignalError: the file cannot be written.
    """
    replace_bytes(path, render_page(results).encode())


def render_page(results: Results) -> str:
    """The report as HTML; equal reports give equal pages.

    Raises:
        SpecError: the report asks for an unknown figure.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    report = results.report
    chosen = chosen_figures(report)
    shown = pictured(results, MOST_PICTURES) if _SHEET in chosen else []
    sounds = [_sounds(of, f"sound-{index}") for index, of in enumerate(shown) if of.is_sound]
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
        table=table_of(results),
        findings=findings(results),
        several=len(report.studies) > 1,
        figures=[Markup(svg) for svg in _figures(results, chosen)],
        # Without axes, a trace has one decision among all: the table says it already.
        traces=[s for s in report.studies if any(step.axis for step in s.trace)],
        galleries=[_gallery(of) for of in shown if not of.is_sound and of.pixels()],
        sounds=[group for group in sounds if group.sounds],
        markup=Markup,
        quantity=format_quantity,
        version=version("enas-inr"),
        style=Markup(_asset("page.css")),
        script=Markup(_asset("page.js")),
    )


def _asset(name: str) -> str:
    return (files("enas_inr.reports") / "assets" / name).read_text(encoding="utf-8")


def _figures(results: Results, chosen: list[str]) -> list[str]:
    return [
        inline_svg(figure, f"figure-{name}", _FIGURE_TITLES[name])
        for name in chosen
        # The page has its own way to show reconstructions.
        if name != _SHEET and (figure := FIGURES[name](results)) is not None
    ]


def _gallery(of: Pictured) -> _Gallery:
    (_, _, original), *known = of.pixels()
    errors = [error_levels(original, pixels) for _, _, pixels in known]
    end = error_end(errors)
    height, width = original.shape[:2]
    facts = ", ".join(filter(None, [f"{width}x{height} pixels", of.place]))
    tiles = [_Tile("Original", facts, _address(of.original))]
    for (row, picture, _), levels in zip(known, errors, strict=True):
        error = _data("image/png", error_png(levels, end))
        tiles.append(_Tile(of.name_of(row), _psnr(row), _address(picture), error))
    ramp = np.linspace(0, end, 64, dtype=np.float32)[None]
    return _Gallery(of.signal, tuple(tiles), f"{end:.3g}", _data("image/png", error_png(ramp, end)))


def _sounds(of: Pictured, prefix: str) -> _Sounds:
    known = of.sounds()[: 1 + MOST_SOUNDS]
    made = []
    for index, (row, picture, sound) in enumerate(known):
        name, detail = (of.name_of(row), _psnr(row)) if row else ("Original", facts_of(sound))
        figure = sound_picture(sound, known[0][2])
        drawing = inline_svg(figure, f"{prefix}-{index}", f"{name}: wave and spectrogram")
        made.append(_Sound(name, detail, _sound_address(picture, sound), drawing))
    return _Sounds(of.signal, tuple(made))


def _sound_address(picture: Picture, sound: Signal) -> str:
    """The same samples, in half the bytes where FLAC can hold them."""
    from enas_inr.signals.audio import FAILURES, encode

    try:
        smaller = encode(sound, sound.sample_rate or 0, "FLAC", "PCM_16")
    except FAILURES:
        return _address(picture)
    if len(smaller) >= len(picture.content):
        return _address(picture)
    return _data("audio/flac", smaller)


def _psnr(row: Row) -> str:
    return row.result.status.value if row.psnr is None else f"PSNR {row.psnr} dB"


def _address(picture: Picture) -> str:
    return _data(picture.mimetype, picture.content)


def _data(mimetype: str, content: bytes) -> str:
    return f"data:{mimetype};base64,{base64.b64encode(content).decode()}"
