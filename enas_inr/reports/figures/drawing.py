"""The common parts of all figures: style, canvas without global state, captions, files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from enas_inr.signals.quality import BorderError

INK = "#1f2328"
QUIET = "#59636e"
RULE = "#c8ced5"
WAVE = "#2a5ba8"
WRONG = "#b3402e"
SERIES = "#0072b2", "#d55e00", "#009e73", "#b35c93", "#b8860b", "#3f9fd6", "#7a5195"
"""One colour for each of several things: after Okabe and Ito, for colour-blind readers."""
SMALL = 8.5  # points
_PER_INCH = 15.5  # characters of a detail
_HEADING_POINTS = 15  # from one line of a heading to the next
_EXACT_DB = 300.0  # no float32 reconstruction comes near it
_STYLE = "assets/figures.mplstyle"  # in enas_inr.reports
_METADATA: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in our style, whatever the user's settings of Matplotlib are; also a decorator."""
    from matplotlib import rc_context

    with as_file(files("enas_inr.reports") / _STYLE) as sheet, rc_context(fname=sheet):
        yield


def new_figure(width: float, height: float, title: str = "", details: Sequence[str] = ()) -> Figure:
    """Return an empty figure with a constrained layout on an Agg canvas, without pyplot.

    Args:
        width: width in inches.
        height: height in inches without the heading.
        title: first line of the heading; empty for no heading.
        details: quieter lines below it; empty ones are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.transforms import ScaledTranslation

    # At the default width, a line has at most 110 characters anyway.
    wrapped = [line for text in details if text for line in wrap(text, int(_PER_INCH * width))]
    lines = [title, *wrapped] if title else []
    height += len(lines) * _HEADING_POINTS / 72
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08, wspace=0, hspace=0)  # type: ignore[union-attr, call-arg]
    if lines:
        # The layout makes room for one title alone: it holds empty lines where the details go.
        figure.suptitle("\n" * (len(lines) - 1) or " ", fontsize=11, linespacing=1.3)
    for index, line in enumerate(lines):
        down = ScaledTranslation(0.08, -0.08 - index * _HEADING_POINTS / 72, figure.dpi_scale_trans)
        look = {"size": 9, "color": QUIET} if index else {"size": 11, "weight": "bold"}
        figure.text(0, 1, line, look, va="top", transform=figure.transFigure + down)
    return figure


def settle(figure: Figure) -> None:
    """Fix the layout of a figure: later drawing moves nothing, whatever the format of the file."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine("none")


def image_of(
    figure: Figure, form: str, *, transparent: bool = False, salt: str = "enas-inr"
) -> bytes:
    """Return a figure as a PDF, PNG or SVG file; equal figures give equal files.

    Args:
        figure: a settled figure.
        form: `pdf`, `png` or `svg`.
        transparent: whether to leave out the background.
        salt: SVG ids of figures with different salts differ.
    """
    from matplotlib import rc_context

    buffer = BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        figure.savefig(
            buffer, format=form, dpi=figure.dpi, metadata=_METADATA[form], transparent=transparent
        )
    return buffer.getvalue()


def caption(axes: Axes, title: str, detail: str = "", *, small: bool = False) -> None:
    """Write a title above the axes, on the left, and a quieter line below it."""
    scale, weight = (SMALL / 11, "normal") if small else (1.0, "bold")
    lines = (title, 19, 11.0, INK, weight), (detail, 5, 9.5, QUIET, "normal")
    for text, above, size, color, thick in lines:
        axes.annotate(
            text, (0, 1), (0, above * scale), "axes fraction", "offset points",
            size=size * scale, color=color, weight=thick,
        )  # fmt: skip


def show_picture(axes: Axes, values: Any, interpolation: Any = None) -> None:
    """Show a picture `[rows, columns, channels]` of 8-bit levels, or of floats from 0 to 1."""
    top = 255 if values.dtype.kind == "u" else 1
    shown = values if values.shape[-1] > 1 else values[..., 0]
    axes.imshow(shown, cmap="gray", vmin=0, vmax=top, aspect="auto", interpolation=interpolation)


def show_errors(axes: Axes, levels: Any, end: float, interpolation: Any = None) -> AxesImage:
    """Show errors `[rows, columns]` in levels of 255, in colours that end at a level."""
    look = {"aspect": "auto", "interpolation": interpolation}
    return axes.imshow(levels, cmap="magma", vmin=0, vmax=end, **look)


def shortened(text: str, most: int) -> str:
    """Return a text as one line of at most that many printable characters."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= most else line[: most - 1] + "\u2026"


def db_text(psnr_db: float) -> str:
    """Return a PSNR as text."""
    return "exact" if psnr_db > _EXACT_DB else f"{psnr_db:.2f} dB"


def border_text(error: BorderError) -> str:
    """Return the PSNR at the borders of cells and elsewhere as text; empty without borders."""
    if error.border_db is None:
        return ""
    beside = f"beside borders {db_text(error.border_db)}"
    return beside + ("" if error.interior_db is None else f", inside {db_text(error.interior_db)}")
