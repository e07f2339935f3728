"""One self-contained page of a model, its original and the scripts that show them."""

from __future__ import annotations

import base64
import io
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from enas_inr.model.model import Model
from enas_inr.plain_text import finite, printable
from enas_inr.viewer.network import network_of

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

SCRIPTS = (
    "weights",
    "dense",
    "lookup",
    "network",
    "shader",
    "gpu",
    "software",
    "picture",
    "sound",
    "controls",
    "main",
)
"""The scripts of the page, in the order in which they define what the next ones use."""

MOST_ORIGINAL = 4_000_000
"""Bytes of the original in a page; a larger one is stored with losses."""


def page_of(model: Model, facts: list[tuple[str, str]], original: Signal | None = None) -> str:
    """Return a page that evaluates a model.

    Args:
        model: the model; its header says with which precision the page has its numbers.
        facts: names and values to show.
        original: the picture to compare with, of the size of the model.

    Raises:
        ModelError: a browser cannot evaluate the model.
    """
    header, network = model.header, network_of(model)
    data: dict[str, Any] = {
        "name": printable(header.signal.name),
        "rate": header.signal.sample_rate,
        "blend": model.blends,
        "facts": facts,
        "original": None if original is None else original_url(original),
        "network": network,
    }
    functions = ", ".join(_functions(activation) for activation in network["expressions"])
    scripts = [f"const ACTIVATIONS = [{functions}];", *(_asset(f"{n}.js") for n in SCRIPTS)]
    parts = {
        "title": _escaped(printable(header.signal.name)),
        "style": _asset("style.css"),
        "data": json_in_html(data),
        "scripts": "\n".join(f"<script>\n{script}\n</script>" for script in scripts),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("page.html"))


def _functions(activation: str | tuple[str, str]) -> str:
    """Return an activation in JavaScript: a function of z, or two of x and y."""
    if isinstance(activation, str):
        return f"(z) => {activation}"
    return f"[{', '.join(f'(x, y) => {part}' for part in activation)}]"


def json_in_html(values: dict[str, Any]) -> str:
    """Return JSON for a script element, which no text in it can end."""
    text = json.dumps(finite(values), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def original_url(signal: Signal) -> str:
    """Return a picture as a data URL: PNG, or WebP with losses if that would be too large."""
    from PIL import Image

    values = signal.values.detach().cpu()
    levels = ((values + 1) / 2 * 255).round().clamp(0, 255).byte().numpy()
    channels = levels.shape[-1]
    shown = levels[..., 0] if channels == 1 else levels if channels <= 4 else levels[..., :3]
    image = Image.fromarray(shown)
    kind, content = "png", _encoded(image, "PNG")
    if len(content) > MOST_ORIGINAL:
        if image.mode == "LA":
            image = image.convert("RGBA")
        kind, content = "webp", _encoded(image, "WEBP", quality=90)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _encoded(image: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)


def _asset(name: str) -> str:
    return (files("enas_inr.viewer") / "assets" / name).read_text(encoding="utf-8").strip()
