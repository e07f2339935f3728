"""Change valid inputs at random; equal random numbers give equal inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

INTERESTING = (
    b"",
    b"\0",
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0" * 64,
    b"-1",
    b"nan",
    b"1e999",
    b"99999999999999999999",
    b"../../",
    b"[" * 300,
    b'"',
    b"=",
    b"\x1b[31m",
)
TEXTS = (
    "",
    "\x1b[31m",
    "../up",
    "a" * 5_000,
    "[bold]",
    "\0",
    "NaN",
    "=1+1",
    "\ud7ff",
    "-1",
    "1e999",
)
NUMBERS = (0, -1, 1, 2, 2**31, 2**32, 2**63, 2**64, 10**30, 0.5, -0.0, 1e-320, 1e308)
MOST = 8  # changes of one input


def damaged(content: bytes, random: Random) -> bytes:
    """Return the content with some bytes changed, left out, doubled or replaced."""
    made = bytearray(content)
    for _ in range(random.randint(1, MOST)):
        place = random.randrange(len(made) + 1)
        # Most of what decides is at the beginning of a file.
        place = min(place, random.choice((16, 64, 512, len(made))))
        length = random.choice((1, 1, 2, 4, 8, 64, 1_000))
        kind = random.randrange(7)
        if kind == 0 and made:
            made[place % len(made)] ^= 1 << random.randrange(8)
        elif kind == 1:
            made[place : place + length] = random.randbytes(length)
        elif kind == 2:
            del made[place : place + length]
        elif kind == 3:
            made[place:place] = made[place : place + length]
        elif kind == 4:
            known = random.choice(INTERESTING)
            made[place : place + len(known)] = known
        elif kind == 5 and random.random() < 0.2:
            del made[place:]
        else:
            size = random.choice((1, 2, 4, 8))
            number = random.choice((0, 1, -1, 2 ** (8 * size - 1) - 1, 2**16, 255)) % 2 ** (
                8 * size
            )
            made[place : place + size] = number.to_bytes(size, random.choice(("little", "big")))
    return bytes(made)


def changed(values: Any, random: Random) -> Any:
    """Return JSON values in which one is left out, replaced, or of another type."""
    if isinstance(values, dict) and values and random.random() < 0.85:
        key = random.choice(list(values))
        if random.random() < 0.1:
            return {name: value for name, value in values.items() if name != key}
        if random.random() < 0.05:
            return values | {random.choice(TEXTS): values[key]}
        return values | {key: changed(values[key], random)}
    if isinstance(values, list) and values and random.random() < 0.7:
        place = random.randrange(len(values))
        if random.random() < 0.2:
            return values[:place] + values[place + 1 :]
        return [*values[:place], changed(values[place], random), *values[place + 1 :]]
    if isinstance(values, str) and random.random() < 0.3:
        return damaged(values.encode(), random).decode(errors="replace")
    return random.choice(
        (None, True, [], {}, [values], {"a": values}, random.choice(TEXTS), random.choice(NUMBERS))
    )


def changed_json(text: str, random: Random) -> str:
    """Return JSON with some values changed; sometimes text that is no JSON."""
    values = json.loads(text)
    for _ in range(random.randint(1, 3)):
        values = changed(values, random)
    made = json.dumps(values)
    if random.random() < 0.1:
        made = damaged(made.encode(), random).decode(errors="replace")
    return made


Mutate = Callable[[bytes, Random], bytes]
