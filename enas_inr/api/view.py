"""Write or serve a page that evaluates a model in a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Literal
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from enas_inr.api.reading import read_signal, refused_type
from enas_inr.errors import ModelError, SpecError
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.validation import format_quantity

if TYPE_CHECKING:
    from enas_inr.model.model import Model
    from enas_inr.signals.signal import Signal

HOST = "127.0.0.1"
PRECISIONS = ("float16", "int8")
SUFFIXES = (".html", ".htm")


def view(
    model: Model | str | os.PathLike[str],
    *,
    output: str | os.PathLike[str] | None = None,
    original: Signal | str | os.PathLike[str] | None = None,
    precision: Literal["float16", "int8"] | None = None,
    force: bool = False,
    catalog: Catalog | None = None,
) -> str:
    """Make one self-contained page on which a browser evaluates the network itself.

    It shows a picture, a slice of a volume or the waveform of a sound at any zoom.

    Args:
        model: a model, or its `.inr` file.
        output: an .html file to write as well.
        original: the picture to compare with: a signal of the size of the model, or a file, which
            is resized to it.
        precision: precision of most weights in the page, float16 or int8; None for that of the
            model, or float16 if that is float32.
        force: whether an existing file may be overwritten.
        catalog: the plugins; None for all installed ones.

    Returns:
        The page, in HTML.

    Raises:
        SpecError: `model` is neither, or the precision is not one of these.
        ModelError: a browser cannot evaluate the model, the original has another shape, or the
            model file cannot be read.
        SignalError: a file cannot be read or written.
        PluginError: the backbone comes from a plugin and fails.
    """
    from enas_inr.model.model import Model, load
    from enas_inr.signals.files import replace_bytes
    from enas_inr.signals.outputs import Output, check_outputs
    from enas_inr.viewer.page import page_of

    plugins = catalog or load_catalog()
    inputs = [Path(one) for one in (model, original) if isinstance(one, (str, os.PathLike))]
    if output is not None:
        wanted = [Output(Path(output), "a page", SUFFIXES)]
        check_outputs(wanted, force=force, inputs=inputs)
    if precision is not None and precision not in PRECISIONS:
        raise SpecError(f"precision {precision!r} is not one of a page", "give float16 or int8")
    if isinstance(model, (str, os.PathLike)):
        model = load(Path(model), catalog=plugins)
    if not isinstance(model, Model):
        raise refused_type("a model", model, "give an enas_inr.Model or a .inr file")
    known = None if original is None else _original(model, original, plugins)
    chosen = precision or ("float16" if model.header.precision == "float32" else None)
    stored = model if chosen is None else model.at_precision(chosen)
    page = page_of(stored, _facts(stored, known), known)
    if output is not None:
        replace_bytes(Path(output), page.encode())
    return page


class PageServer(ThreadingMixIn, WSGIServer):
    """Answers with one page, on localhost only, without a log.

    It answers in threads, so that Ctrl-C never comes in the middle of an answer.

    Attributes:
        page: address to open in a browser.
    """

    daemon_threads = True
    page = ""


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Do not log requests."""


def make_page_server(page: str, port: int = 0) -> PageServer:
    """Return a server that is listening; call its `serve_forever`.

    Args:
        page: the page, in HTML.
        port: port to listen on; 0 for any free port.

    Raises:
        SpecError: the port cannot be used.
    """
    if not 0 <= port < 2**16:
        raise SpecError(f"{port} is not a port number", "give one of 0 to 65535")
    content = page.encode()

    def answer(
        request: Mapping[str, Any], start: Callable[[str, list[tuple[str, str]]], object]
    ) -> Iterable[bytes]:
        known = request["PATH_INFO"] == "/"
        kind = "text/html; charset=utf-8" if known else "text/plain"
        start("200 OK" if known else "404 Not Found", [("Content-Type", kind)])
        return [content if known else b"not found"]

    try:
        server = PageServer((HOST, port), _Handler)
    except OSError as error:
        raise SpecError(
            f"port {port} cannot be used: {error.strerror}", "choose another with --port"
        ) from None
    server.set_app(answer)
    server.page = f"http://{HOST}:{server.server_port}/"
    return server


def _original(model: Model, original: Signal | str | os.PathLike[str], catalog: Catalog) -> Signal:
    """Return the picture that a model is of.

    Raises:
        ModelError: the model is of something else, or the original has another shape.
    """
    from enas_inr.signals.signal import Signal

    signal = model.header.signal
    if len(signal.shape) != 2:
        raise ModelError(
            f"the page compares pictures with their originals, and the model is of "
            f"{signal.modality} {signal.name!r}",
            "leave the original out",
        )
    if not isinstance(original, Signal):
        size = "x".join(map(str, reversed(signal.shape)))
        original = read_signal(catalog, os.fspath(original), None, size)
    if tuple(original.values.shape) != (*signal.shape, signal.channels):
        raise ModelError(
            f"{original.name!r} has shape {tuple(original.values.shape)}, the model "
            f"{(*signal.shape, signal.channels)}",
            "give the signal that it was fitted to",
        )
    return original


def _facts(model: Model, original: Signal | None) -> list[tuple[str, str]]:
    """Return names and values of what is known of a model, for people."""
    from enas_inr.api.fit import cost_of
    from enas_inr.model.file import encode
    from enas_inr.model.measure import measure

    header = model.header
    metrics = header.metrics if original is None else measure(model, original)
    psnr = metrics.get("psnr_db")
    spec = header.ensemble
    facts = [
        ("PSNR", f"{psnr:.2f} dB" if isinstance(psnr, float) else ""),
        ("Weights", f"{len(encode(header, model.blocks)):,} bytes as {header.precision}"),
        ("FLOPs", format_quantity(cost_of(model)["flops"])),
        ("Size", " x ".join(map(str, header.signal.shape))),
        ("Grid", " x ".join(map(str, model.layout.grid))),
        ("Width", str(spec.width)),
        ("Depth", str(spec.depth)),
        ("Backbone", spec.backbone),
        ("Recipe", f"{header.training.profile}, {header.training.steps} steps"),
    ]
    return [(name, value) for name, value in facts if value]
