"""`enas-inr dashboard`: show the studies of a storage in a browser."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say


def dashboard(
    study: Annotated[
        str | None,
        typer.Option(help="Study to open.", show_default="the running one, or the list of all"),
    ] = None,
    storage: arguments.Storage = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free port.")] = 8080,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open", help="Open a browser.", show_default="if there is a display"
        ),
    ] = None,
) -> None:
    """Show studies in optuna-dashboard, each trial with its picture or sound, until Ctrl-C.

    Listens on localhost only. Needs the extra `dashboard`.
    """
    import webbrowser

    from enas_inr.api.dashboard import make_server

    with make_server(storage, study=study, port=port) as server:
        print(server.page, flush=True)
        running = ", ".join(server.running)
        say(
            f"showing {server.storage}" + (f"; running now: {running}" if running else ""),
            error=True,
        )
        say("the pages follow a running search; press Ctrl-C to stop", error=True)
        if _has_display() if browser is None else browser:
            webbrowser.open(server.page)
        server.serve_forever()


def _has_display() -> bool:
    named = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(named) or sys.platform in ("darwin", "win32")
