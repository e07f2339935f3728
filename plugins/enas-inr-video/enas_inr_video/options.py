"""The options of the modality `video`."""

from __future__ import annotations

from pydantic import Field

from enas_inr.spec import Options


class VideoOptions(Options):
    """Options of `video`.

    Attributes:
        start: start of the clip in seconds from the beginning of the video.
        max_frames: largest number of frames; None for all.
        max_side: longest side in pixels, to which larger frames are reduced; None for no limit.
    """

    start: float = Field(default=0.0, ge=0)
    max_frames: int | None = Field(default=None, ge=1)
    max_side: int | None = Field(default=None, ge=1)
