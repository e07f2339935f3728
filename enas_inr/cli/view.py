"""`enas-inr view`: a page on which a browser evaluates a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say
from enas_inr.errors import SpecError


def view(
    context: typer.Context,
    model: arguments.ModelFile,
    name: arguments.ModelName = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Page to write.", show_default="name of the model, with .html"
        ),
    ] = None,
    original: Annotated[
        str | None,
        typer.Option(help="Picture to compare with: the file or sample that was fitted."),
    ] = None,
    precision: Annotated[
        Literal["float16", "int8"] | None,
        typer.Option(
            help="Precision of the weights in the page.", show_default="that of the model"
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the page on localhost until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port for --serve; 0 for any free port.")] = 0,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a self-contained page on which a browser evaluates the model at any zoom.

    It shows a picture, the waveform of a sound, or a slice of a volume, and needs no network.
    """
    from enas_inr.api.archive import one_of
    from enas_inr.api.view import SUFFIXES
    from enas_inr.api.view import view as make_page
    from enas_inr.signals.files import is_stream
    from enas_inr.signals.outputs import Output, check_outputs, file_name, is_standard_output

    if serve and output is not None:
        raise SpecError(f"--serve and --output {str(output)!r} are both given", "give one of them")
    catalog = arguments.load_catalog(context)
    path = output
    with arguments.stop_of(context).ends():
        loaded = one_of(model, name, catalog)
        if path is None:
            stem = Path(name).name if name is not None else loaded.header.signal.name
            usual = Path(file_name(stem, ".html"))
            path = usual if name is not None or is_stream(model) else model.with_suffix(".html")
        if not serve:
            inputs: list[str | Path] = [model, *([] if original is None else [original])]
            check_outputs([Output(path, "a page", SUFFIXES)], force=force, inputs=inputs)
        page = make_page(
            loaded,
            output=None if serve else path,
            original=original,
            precision=precision,
            force=force,
            catalog=catalog,
        )
    if serve:
        _serve(page, port, browser=browser)
        return
    if not is_standard_output(path):
        say(f"wrote {path} ({len(page.encode()):,} bytes)")
        if browser:
            _open(path.resolve().as_uri())


def _serve(page: str, port: int, *, browser: bool) -> None:
    from enas_inr.api.view import make_page_server

    with make_page_server(page, port) as server:
        print(server.page, flush=True)
        say("press Ctrl-C to stop", error=True)
        if browser:
            _open(server.page)
        server.serve_forever()


def _open(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
