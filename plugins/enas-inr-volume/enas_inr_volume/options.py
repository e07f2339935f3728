"""The options of the modality `volume`."""

from __future__ import annotations

from typing import Literal

from enas_inr.spec import Options

Scale = Literal["auto", "type", "data"]
"""Meaning of -1 and 1: the smallest and the largest number of the `type`, or of the `data`; `auto`
means the type for integers of 8 bits (as in pictures), and the data for others."""


class VolumeOptions(Options):
    """Options of `volume`.

    Attributes:
        channels_last: whether the last of four or five dimensions holds channels; if not, it is an
            axis like the others (time in NIfTI).
        scale: meaning of -1 and 1; floats are always scaled by the data.
    """

    channels_last: bool = False
    scale: Scale = "auto"
