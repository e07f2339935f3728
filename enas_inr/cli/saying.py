"""Print lines and JSON. Names from outside are text there, whatever characters they have."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from enas_inr.plain_text import json_object, printable

MOST = 4_000  # characters of a line


def say(line: str, *, error: bool = False) -> None:
    """Print one line, with its control characters escaped, to stdout or stderr."""
    print(printable(line, MOST), file=sys.stderr if error else sys.stdout)


def complain(line: str) -> None:
    """Print a line of the program itself on stderr, if that is still there."""
    with suppress(OSError):
        print(f"enas-inr: {printable(line, MOST)}", file=sys.stderr)


def say_json(values: dict[str, Any]) -> None:
    """Print the result of a command as JSON (see docs/json.md)."""
    print(json_object(values))
