"""The function behind `enas-inr dashboard`: the studies of a storage in optuna-dashboard."""

from __future__ import annotations

import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from enas_inr.api.readable import readable
from enas_inr.errors import PluginError, SpecError

HOST = "127.0.0.1"  # the dashboard has no user accounts: whoever can reach it can delete studies


class DashboardServer(ThreadingMixIn, WSGIServer):
    """Answers requests in threads, without a log.

    Attributes:
        page: address to open in a browser.
        storage: the storage that is shown.
        running: studies in it that are being searched on this machine, as far as is known.
    """

    daemon_threads = True
    page = ""
    storage = ""
    running: tuple[str, ...] = ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error, unless a browser has closed its connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Do not log requests."""


def make_server(
    storage: str | None = None, *, study: str | None = None, port: int = 8080
) -> DashboardServer:
    """Open a storage in optuna-dashboard, which listens on localhost only.

    Args:
        storage: an Optuna URL, a path of an SQLite file, or `journal:PATH`; None for that of the
            environment variable `ENAS_INR_STORAGE`, or else `sqlite:///enas-inr.db`, or, if that
            does not exist, for the `*.db` in the current folder in which a search is running, or
            which was written last.
        study: study to open; None for the only one that is being searched, or the list of all.
        port: port to listen on; 0 for any free port.

    Returns:
        A server that is listening; call its `serve_forever`.

    Raises:
        PluginError: optuna-dashboard is not installed.
        StudyError: the storage or the study does not exist, or cannot be used.
        SpecError: the port cannot be used.
    """
    if not 0 <= port < 2**16:
        raise SpecError(f"{port} is not a port number", "give one of 0 to 65535")
    try:
        from optuna_dashboard import wsgi
    except ImportError as error:
        raise PluginError(
            f"the dashboard needs {error.name}", "install it: pip install 'enas-inr[dashboard]'"
        ) from None
    from optuna.artifacts import FileSystemArtifactStore

    from enas_inr.studies.location import Storage
    from enas_inr.studies.running import default_storage, running_studies
    from enas_inr.studies.storage import artifact_folder, explained, open_storage, study_id

    place = default_storage(Path()) if storage is None else Storage(storage)
    backend = open_storage(place)
    running = running_studies(place)
    if study is None and len(running) == 1:
        (study,) = running
    with explained(place):
        page = "" if study is None else f"/studies/{study_id(study, place, backend)}/note"
    folder = artifact_folder(place)
    app = wsgi(backend, artifact_store=FileSystemArtifactStore(folder) if folder else None)
    try:
        server = DashboardServer((HOST, port), _Handler)
    except OSError as error:
        raise SpecError(
            f"port {port} cannot be used: {error.strerror}", "choose another with --port"
        ) from None
    server.set_app(readable(app))
    server.page = f"http://{HOST}:{server.server_port}/dashboard{page}"
    server.storage, server.running = str(place), tuple(running)
    return server
