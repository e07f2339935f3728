"""What a user chooses about videos."""

from __future__ import annotations

from pydantic import Field

from enas_inr.spec import Options


class VideoOptions(Options):
    """Options of `video`.

    Attributes:
        start: seconds from the beginning at which the clip starts.
        max_frames: how many frames it has at the most; None: all that there are.
        max_side: pixels of its longer side at the most: larger frames are made smaller.
    """

    start: float = Field(default=0.0, ge=0)
    max_frames: int | None = Field(default=None, ge=1)
    max_side: int | None = Field(default=None, ge=1)
