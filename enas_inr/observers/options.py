"""Options of the built-in observers."""

from __future__ import annotations

from pydantic import Field

from enas_inr.spec import Options


class JsonLinesOptions(Options):
    """Options of `jsonl`.

    Attributes:
        path: the file, to which lines are added.
        every: least seconds between two lines of progress of one trial or fit.
    """

    path: str = Field(default="events.jsonl", min_length=1)
    every: float = Field(default=1.0, ge=0)
