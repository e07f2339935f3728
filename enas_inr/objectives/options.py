"""Options of the built-in objectives."""

from __future__ import annotations

from pydantic import Field

from enas_inr.spec import Options


class PsnrFlopsOptions(Options):
    """Options of `psnr_flops`.

    Attributes:
        alpha: decibels that a factor of ten in FLOPs must be worth; with 7, halving the FLOPs is
            worth 2.11 dB.
    """

    alpha: float = Field(default=7.0, ge=0)
