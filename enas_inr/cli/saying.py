"""Print lines and JSON. Names from outside are text there, whatever characters they have."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from enas_inr.plain_text import json_object, printable

MOST = 4_000  # characters of a line


def say(line: str, *, error: bool = False, indent: int = 0, command: bool = False) -> None:
    """Print one line, with its control characters escaped, to stdout or stderr.

    On a terminal it is broken between words, so that no number is broken in its middle.

    Args:
        line: the line.
        error: whether it goes to stderr.
        indent: columns before each further line of it.
        command: whether it has a command, which can still be copied when it is broken.
    """
    stream, text = sys.stderr if error else sys.stdout, printable(line, MOST)
    if stream.isatty():
        width = shutil.get_terminal_size().columns
        text = folded_command(text, width) if command else folded(text, width, indent)
    print(text, file=stream)


def complain(line: str) -> None:
    """Print a line of the program itself on stderr, if that is still there."""
    with suppress(OSError):
        print(f"enas-inr: {printable(line, MOST)}", file=sys.stderr)


def say_json(values: dict[str, Any]) -> None:
    """Print the result of a command as JSON (see docs/json.md)."""
    print(json_object(values))


def folded(line: str, width: int, indent: int = 0) -> str:
    """Return a line in lines of at most a width, broken at spaces alone."""
    if len(line) <= width // 2:  # it fits, since no character is wider than two columns
        return line
    return "\n".join(filled(line.split(" "), width, indent))


def folded_command(line: str, width: int) -> str:
    """Return a command in lines that a shell takes for one, broken between its words."""
    if len(line) <= width:
        return line
    words: list[str] = []
    for part in line.split(" "):
        if words and words[-1].count("'") % 2:  # inside quotes
            words[-1] += f" {part}"
        else:
            words.append(part)
    return " \\\n".join(filled(words, width - 2, 2))


def filled(parts: Iterable[str], width: int, indent: int = 0) -> list[str]:
    """Return lines of at most a width with parts that are not broken, even if one is wider."""
    from rich.cells import cell_len

    lines: list[str] = []
    line: str | None = None
    for part in parts:
        if line is None:
            line = part
        elif cell_len(line) + 1 + cell_len(part) <= width:
            line += f" {part}"
        else:
            lines.append(line.rstrip())
            line = " " * indent + part
    return [*lines, line or ""]
