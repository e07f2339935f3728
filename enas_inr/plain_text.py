"""Text from outside as text: without control characters, of bounded length, in JSON, CSV, Markdown.

Names and titles come from files, studies and plugins. Whoever shows them passes them through here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

SCHEMA = 1
"""Version of the form of all JSON that commands print. It rises when a key is removed or changes
its meaning; new keys do not raise it."""

MOST_SHOWN = 1_000  # characters of a text in a message
MOST_IN_CELL = 200  # of a cell in a table of the terminal
MOST_DEPTH = 100  # of nested JSON
_FORMULA = re.compile(r"[=+\-@\t\r]")
_MARKDOWN = re.compile(r"([\\`*\[\]<>|&]|(?<!\w)_|_(?!\w))")


def shortened(text: str, most: int = MOST_SHOWN) -> str:
    """Return a text of at most about `most` characters: its beginning and its end."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end]}... ({len(text):,} characters) ...{text[-end:]}"


def printable(text: str, most: int = MOST_SHOWN) -> str:
    """Return a text that a terminal shows as it is: shortened, with control characters escaped.

    So are separators of lines, characters that change the direction of others, and unassigned ones.
    """
    text = shortened(text, most)
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def printable_lines(text: str) -> str:
    """Return a text of several lines, such as a traceback, as `printable` returns each of them."""
    return "\n".join(printable(line) for line in text.split("\n"))


def csv_cell(value: Any) -> Any:
    """Return a cell of a CSV file that no spreadsheet takes for a formula; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    value = printable(value, len(value))
    return f"'{value}" if _FORMULA.match(value) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def markdown_cell(text: str) -> str:
    """Return a text for one line of Markdown, where none of its characters is markup."""
    return _MARKDOWN.sub(r"\\\1", printable(" ".join(text.split())))


def finite(values: Any) -> Any:
    """Return JSON values in which numbers that JSON cannot carry, NaN and infinities, are None."""
    if isinstance(values, float):
        return values if math.isfinite(values) else None
    if isinstance(values, Mapping):
        return {str(key): finite(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [finite(value) for value in values]
    return values


def json_text(values: Any, *, indent: int | None = 2) -> str:
    """Return strict JSON, in ASCII, so that no character in it controls a terminal."""
    return json.dumps(finite(values), indent=indent, allow_nan=False)


def json_object(values: Mapping[str, Any]) -> str:
    """Return the result of a command as strict JSON, with the version of its form."""
    return json_text({"schema": SCHEMA, **values})


def read_json(text: str | bytes) -> Any:
    """Read strict JSON from outside.

    Raises:
        ValueError: it is not JSON, a key is given twice, it has NaN or infinities, or is nested
            deeper than a hundred levels.
    """
    try:
        read = json.loads(
            text, object_pairs_hook=_distinct, parse_constant=_refused, parse_float=_number
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    check_depth(read)
    return read


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        left = set(found)
        for key, _ in pairs:
            if key not in left:
                raise ValueError(f"the key {shortened(key, 100)!r} is given twice")
            left.remove(key)
    return found


def _refused(name: str) -> None:
    raise ValueError(f"{shortened(name, 100)} is not a number that JSON can carry")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refused(text)
    return value


def check_depth(values: Any) -> None:
    """Refuse nested values that functions which descend into them could not handle.

    Raises:
        ValueError: they are nested deeper than a hundred levels.
    """
    level, depth = [values], 0
    while level:
        depth += 1
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested deeper than {MOST_DEPTH} levels")
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
