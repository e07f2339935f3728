"""Options of the built-in objectives."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from enas_inr.spec import Options, SignalInfo, TrainingSpec

CEILING_DB = 90.0
"""At this PSNR, the error is a hundredth of a step of 8 bits, and two steps of 16 bits."""


class PsnrFlopsOptions(Options):
    """Options of `psnr_flops`.

    Attributes:
        alpha: decibels that a factor of ten in FLOPs must be worth; with 7, halving the FLOPs is
            worth 2.11 dB.
        ceiling_db: PSNR beyond which more is worth nothing, in the usual convention; None for no
            ceiling, which is the default of the profile `paper` (90 dB otherwise).
    """

    alpha: float = Field(default=7.0, ge=0)
    ceiling_db: float | None = None

    def fitted(self, signal: SignalInfo, grid: int, training: TrainingSpec) -> Self:
        """Set the ceiling of `best`, if none is given."""
        if "ceiling_db" in self.model_fields_set:
            return self
        return self.model_copy(update={"ceiling_db": CEILING_DB})


class BestOptions(Options):
    """Options of `best`.

    Attributes:
        ceiling_db: PSNR beyond which more is worth nothing, in the usual convention.
    """

    ceiling_db: float = CEILING_DB


class TargetOptions(Options):
    """Options of `smallest` and `fastest`.

    Attributes:
        target_psnr_db: PSNR to reach, in the usual convention.
    """

    target_psnr_db: float = 40.0
