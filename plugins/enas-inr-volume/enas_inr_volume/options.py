"""What a user chooses about volumes."""

from __future__ import annotations

from typing import Literal

from enas_inr.spec import Options

Scale = Literal["auto", "type", "data"]
"""What -1 and 1 stand for: the smallest and largest number of the `type`, or of the `data`; `auto`:
of the type where it is an integer of 8 bits (as in pictures), else of the data."""


class VolumeOptions(Options):
    """Options of `volume`.

    Attributes:
        channels_last: whether the last of four or five dimensions holds the channels; else it is
            an axis like the others (NIfTI: time).
        scale: what -1 and 1 stand for; floats are always scaled by the data.
    """

    channels_last: bool = False
    scale: Scale = "auto"
