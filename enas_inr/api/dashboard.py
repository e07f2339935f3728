"""What is behind `enas-inr dashboard`: a storage's studies in optuna-dashboard."""

from __future__ import annotations

import sys
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from enas_inr.errors import PluginError, SpecError
from enas_inr.studies import DEFAULT_STORAGE

HOST = "127.0.0.1"  # the dashboard knows no users: whoever reaches it may delete studies


class DashboardServer(ThreadingMixIn, WSGIServer):
    """Answers requests side by side, without a word.

    Attributes:
        page: the address to open.
    """

    daemon_threads = True
    page = ""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error, unless it is a browser that has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Keep no log of requests."""


def make_server(
    storage: str = DEFAULT_STORAGE, *, study: str | None = None, port: int = 8080
) -> DashboardServer:
    """Open a storage in optuna-dashboard, for this machine alone.

    Args:
        storage: an Optuna URL, a path of an SQLite file, or `journal:PATH`.
        study: whose page to open; None: the list of all.
        port: to listen on; 0: any that is free.

    Returns:
        A server that listens already; `serve_forever` answers.

    Raises:
        PluginError: optuna-dashboard is not installed.
        StudyError: the storage or the study does not exist, or cannot be used.
        SpecError: the port cannot be used.
    """
    if not 0 <= port < 2**16:
        raise SpecError(f"{port} is no port", "give one of 0 to 65535")
    try:
        from optuna_dashboard import wsgi
    except ImportError as error:
        raise PluginError(
            f"the dashboard needs {error.name}", "install it: pip install 'enas-inr[dashboard]'"
        ) from None
    from optuna.artifacts import FileSystemArtifactStore

    from enas_inr.studies.storage import artifact_folder, open_storage, study_id

    backend = open_storage(storage)
    page = "" if study is None else f"/studies/{study_id(study, storage, backend)}"
    folder = artifact_folder(storage)
    app = wsgi(backend, artifact_store=FileSystemArtifactStore(folder) if folder else None)
    try:
        server = DashboardServer((HOST, port), _Handler)
    except OSError as error:
        raise SpecError(
            f"port {port} cannot be used: {error.strerror}", "choose another with --port"
        ) from None
    server.set_app(app)
    server.page = f"http://{HOST}:{server.server_port}/dashboard{page}"
    return server
