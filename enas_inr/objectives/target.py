"""A PSNR to reach."""

from __future__ import annotations

from enas_inr.result import TrialResult


def short_of(target_db: float, result: TrialResult) -> float:
    """Return by how many decibels a complete trial may fall short of a PSNR.

    If only parts of the trial were trained, the lower end of the interval of its PSNR counts, so
    that the model reaches the target when all of it is trained.
    """
    assert result.psnr_db is not None, "only complete trials are scored"
    return target_db - (result.psnr_db - result.interval_db)
