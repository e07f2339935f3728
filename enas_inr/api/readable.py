"""What optuna-dashboard shows of a study, without what is only for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

HIDDEN = "enas_inr."
"""The prefix of attributes with JSON, which reports and resumed searches read."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def readable(app: Application) -> Application:
    """Wrap the application of optuna-dashboard, so that its pages lack attributes for programs.

    The storage keeps them. `architecture`, `psnr_db`, the costs and so on of each trial remain.
    """

    def wrapped(environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environment.get("PATH_INFO", "").startswith("/api/studies"):
            return app(environment, start_response)
        started: list[Any] = []

        def keep(*arguments: Any) -> None:
            started[:] = arguments

        answer = app(environment, keep)
        body = b"".join(answer)
        if callable(close := getattr(answer, "close", None)):
            close()
        status, headers, *rest = started
        if any("json" in value for name, value in headers if name.lower() == "content-type"):
            body = json.dumps(_without_hidden(json.loads(body))).encode()
            headers = [(n, v) for n, v in headers if n.lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        start_response(status, headers, *rest)
        return [body]

    return wrapped


def _without_hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_hidden(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_hidden(part) for part in value if not _is_hidden(part)]
    return value


def _is_hidden(part: Any) -> bool:
    key = part.get("key") if isinstance(part, dict) else None
    return isinstance(key, str) and key.startswith(HIDDEN)
