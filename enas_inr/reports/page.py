"""A report as a self-contained HTML file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from enas_inr.plain_text import printable
from enas_inr.reports.figures import SHEET, chosen_figures, draw_narrow
from enas_inr.reports.figures.inline_svg import inline_svg
from enas_inr.reports.figures.sounds import facts_of, sound_picture
from enas_inr.reports.findings import findings
from enas_inr.reports.gallery import Pictured, error_end, error_levels, error_png, pictured
from enas_inr.reports.lead import Lead, leads
from enas_inr.reports.rows import Results, Row
from enas_inr.reports.settings import settings
from enas_inr.reports.table import columns_of
from enas_inr.result import TraceStep
from enas_inr.studies.pictures import StoredPicture
from enas_inr.validation import format_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from enas_inr.signals.signal import Signal

MOST_PICTURES = 12
MOST_SOUNDS = 8  # they are large
_FIGURE_TITLES = {
    "psnr_flops": "PSNR against FLOPs",
    "score_flops": "Score against FLOPs",
    "psnr_parameters": "PSNR against parameters",
    "psnr_bytes": "PSNR against bytes",
    "curves": "Learning curves: PSNR at each step",
    "trace": "Search trace: PSNR and score of each decision",
    "signals": "PSNR on each signal of the set, and over the signals",
}


def render_page(results: Results, drawn: Mapping[str, Figure]) -> str:
    """Return a report with the figures of `draw_figures` as HTML; equal reports give equal pages.

    Raises:
        SpecError: the report asks for an unknown figure.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    report = results.report
    narrow = draw_narrow(results, drawn)  # on a phone, the text of others would be too small
    shown = pictured(results, MOST_PICTURES) if SHEET in chosen_figures(report) else []
    best = leads(results.rows)
    alone = len(shown) == 1 and len(shown[0].rows) == 1 and bool(best)  # it is the lead itself
    table = [(study.label or study.name, settings(study)) for study in report.studies]
    shared = dict(set.intersection(*(set(of.items()) for _, of in table)))
    environment = Environment(
        loader=PackageLoader("enas_inr.reports", "assets"),
        autoescape=True,
        finalize=_without_controls,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        leads=best,
        views=[_view(lead, shown, f"lead-sound-{i}") for i, lead in enumerate(best)],
        shared={name: shared[name] for name in table[0][1] if name in shared},
        differing=[name for name in table[0][1] if name not in shared],
        settings=table,
        columns=columns_of(results),
        rows=results.rows,
        findings=findings(results),
        several=len(report.studies) > 1,
        figures=[
            (
                "figure wide" if len(figure.axes) > 1 else "figure",  # of several panels
                Markup(inline_svg(figure, f"figure-{name}", _FIGURE_TITLES[name])),
                Markup(inline_svg(narrow[name], f"narrow-{name}", _FIGURE_TITLES[name])),
            )
            for name, figure in drawn.items()
            if name != SHEET  # the page has its own way to show reconstructions
        ],
        # A trace of one decision among all says no more than the table.
        traces=[s for s in report.studies if any(map(_compares, s.trace))],
        galleries=[_gallery(of) for of in shown if not of.is_sound and not alone],
        sounds=[
            _sounds(of, f"sound-{i}") for i, of in enumerate(shown) if of.is_sound and not alone
        ],
        markup=Markup,
        quantity=format_quantity,
        version=version("enas-inr"),
        style=Markup(_asset("page.css")),
        script=Markup(_asset("page.js")),
    )


def _without_controls(value: Any) -> Any:
    """Escape the control characters of a text; jinja escapes markup afterwards."""
    if type(value) is not str or value.isprintable():
        return value
    return "\n".join(printable(line, len(line)) for line in value.split("\n"))


def _compares(step: TraceStep) -> bool:
    """Whether a step compares the values on an axis, or estimates."""
    return bool(step.axis) or any(result.sample for result in step.candidates)


def _asset(name: str) -> str:
    return (files("enas_inr.reports") / "assets" / name).read_text(encoding="utf-8")


def _view(lead: Lead, shown: Sequence[Pictured], prefix: str) -> dict[str, Any]:
    """Return the original and the best reconstruction; of a set, on the first signal shown."""
    for of in shown:
        for row, picture, content in of.rows:
            if row.study is lead.row.study and row.result.key == lead.row.result.key:
                pair = replace(of, rows=((row, picture, content),))
                return _sounds(pair, prefix) if of.is_sound else _gallery(pair)
    return {}


def _gallery(of: Pictured) -> dict[str, Any]:
    """Return the values for the template of pictures, whose addresses are data URIs."""
    _, original = of.original
    errors = [error_levels(original, pixels) for _, _, pixels in of.rows]
    end = error_end(errors)
    height, width = original.shape[:2]
    facts = ", ".join(filter(None, [f"{width}x{height} pixels", of.place]))
    tiles = [
        {"name": "Original", "detail": facts, "picture": _address(of.original[0]), "error": ""}
    ]
    tiles += [
        {
            "name": of.name_of(row),
            "detail": _psnr(row),
            "picture": _address(picture),
            "error": _data("image/png", error_png(levels, end)),
        }
        for (row, picture, _), levels in zip(of.rows, errors, strict=True)
    ]
    ramp = error_png(np.linspace(0, end, 64, dtype=np.float32)[None], end)
    return {
        "signal": of.signal,
        "tiles": tiles,
        "end": f"{end:.3g}",
        "scale": _data("image/png", ramp),
    }


def _sounds(of: Pictured, prefix: str) -> dict[str, Any]:
    """Return the values for the template of sounds."""
    picture, original = of.original
    known = [("Original", facts_of(original), picture, original)]
    known += [(of.name_of(row), _psnr(row), p, s) for row, p, s in of.rows[:MOST_SOUNDS]]
    sounds = [
        {
            "name": name,
            "detail": detail,
            "address": _sound_address(stored, sound),
            "drawing": inline_svg(
                sound_picture(sound, original), f"{prefix}-{index}", f"{name}: wave and spectrogram"
            ),
        }
        for index, (name, detail, stored, sound) in enumerate(known)
    ]
    return {"signal": of.signal, "sounds": sounds}


def _sound_address(picture: StoredPicture, sound: Signal) -> str:
    """Return the address of the same samples, as FLAC if that is possible and smaller."""
    from enas_inr.signals.sounds.audio import FAILURES, encode

    with suppress(*FAILURES):
        smaller = encode(sound, sound.sample_rate or 0, "FLAC", "PCM_16")
        if len(smaller) < len(picture.content):
            return _data("audio/flac", smaller)
    return _address(picture)


def _psnr(row: Row) -> str:
    return row.result.status.value if row.psnr is None else f"PSNR {row.psnr} dB"


def _address(picture: StoredPicture) -> str:
    return _data(picture.mimetype, picture.content)


def _data(mimetype: str, content: bytes) -> str:
    return f"data:{mimetype};base64,{base64.b64encode(content).decode()}"
