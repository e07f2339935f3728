"""The figures of a report, by name, and as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from enas_inr.errors import SpecError
from enas_inr.reports.figures.charts import NARROW
from enas_inr.reports.figures.cost_charts import cost_figure
from enas_inr.reports.figures.drawing import image_of
from enas_inr.reports.figures.reconstructions import reconstructions_figure
from enas_inr.reports.figures.signal_charts import signals_figure
from enas_inr.reports.figures.step_charts import curves_figure, trace_figure
from enas_inr.reports.rows import Results
from enas_inr.signals.files import make_folder, replace_bytes
from enas_inr.studies.record import Report
from enas_inr.validation import nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CHARTS: Mapping[str, Callable[..., Figure | None]] = MappingProxyType(
    {
        "psnr_flops": partial(cost_figure, up="psnr", across="flops"),
        "score_flops": partial(cost_figure, up="score", across="flops"),
        "psnr_parameters": partial(cost_figure, up="psnr", across="parameters"),
        "psnr_bytes": partial(cost_figure, up="psnr", across="bytes"),
        "curves": curves_figure,
        "trace": trace_figure,
        "signals": signals_figure,
    }
)
SHEET = "reconstructions"
"""The name of the figure that is no chart but a sheet of pictures."""

FIGURES: Mapping[str, Callable[[Results], Figure | None]] = MappingProxyType(
    {**_CHARTS, SHEET: reconstructions_figure}
)
"""The functions that draw a report; they return None if a figure does not apply."""


FORMS = ("png", "svg")
"""The formats of a figure as a file."""


def chosen_figures(report: Report) -> list[str]:
    """Return the names of the requested figures in the order of `FIGURES`.

    Raises:
        SpecError: a name is unknown.
    """
    for name in report.figures:
        if name not in FIGURES:
            raise SpecError(f"unknown figure {name!r}", nearest(name, FIGURES))
    return [name for name in FIGURES if not report.figures or name in report.figures]


def draw_figures(results: Results, without: str = "") -> dict[str, Figure]:
    """Draw the requested figures `without` one of them, as far as they apply.

    Raises:
        SpecError: the report requests an unknown figure.
    """
    drawn = {n: FIGURES[n](results) for n in chosen_figures(results.report) if n != without}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def draw_narrow(results: Results, names: Iterable[str]) -> dict[str, Figure]:
    """Draw charts with these names for the width of a phone, as far as they apply."""
    drawn = {name: _CHARTS[name](results, width=NARROW) for name in names if name in _CHARTS}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def figure_paths(report: Report, folder: Path) -> list[Path]:
    """Return the paths of all files that `write_figures` may write for a report.

    Raises:
        SpecError: the report requests an unknown figure.
    """
    return [folder / f"{name}.{form}" for name in chosen_figures(report) for form in FORMS]


def write_figures(drawn: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write the figures of `draw_figures` as PNG and SVG; equal reports give equal files.

    Returns:
        The paths of the files: `psnr_flops.png`, `psnr_flops.svg`, ...

    Raises:
        SignalError: the folder or a file cannot be written.
    """
    make_folder(folder)
    files = {folder / f"{name}.{form}": name for name in drawn for form in FORMS}
    for path, name in files.items():
        replace_bytes(path, image_of(drawn[name], path.suffix[1:]))
    return list(files)
