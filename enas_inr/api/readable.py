"""What optuna-dashboard shows of a study, without what is only for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from enas_inr.studies.note import escaped

HIDDEN = "enas_inr."
"""The prefix of attributes with JSON, which reports and resumed searches read."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def readable(app: Application) -> Application:
    """Wrap the application of optuna-dashboard, so that its pages lack attributes for programs.

    The storage keeps them. `architecture`, `psnr_db`, the costs and so on of each trial remain,
    and its note says what it is, unless a person has written one.
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
            body = json.dumps(_noted(_without_hidden(json.loads(body)))).encode()
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


def _noted(study: Any) -> Any:
    """Give the trials of a study their notes, which are computed here and not stored."""
    trials = study.get("trials") if isinstance(study, dict) else None
    for trial in trials if isinstance(trials, list) else ():
        if isinstance(note := trial.get("note"), dict) and not note.get("body"):
            known = {one["key"]: one["value"] for one in trial.get("user_attrs", ())}
            note["body"] = trial_note(known)
    return study


def trial_note(attributes: Mapping[str, str]) -> str:
    """Return the note of a trial in Markdown; empty if it is not one of enas-inr.

    Args:
        attributes: the user attributes of the trial as texts.
    """
    if not (name := attributes.get("architecture")):
        return ""
    about = [escaped(attributes[key]) for key in ("signal", "fidelity") if attributes.get(key)]
    if (psnr := _number(attributes.get("psnr_db"))) is not None:
        about.append(f"**PSNR {psnr:.2f} dB**")
    about += [
        f"{value:,.0f} {unit}"
        for key, unit in (("bytes", "bytes"), ("parameters", "parameters"), ("flops", "FLOPs"))
        if (value := _number(attributes.get(key))) is not None
    ]
    about += [escaped(attributes[key]) for key in ("status", "message") if attributes.get(key)]
    return f"## {escaped(name)}\n\n{', '.join(about)}"


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
