"""Compression as the objective of enas-inr: `enas-inr search ... --objective rate_distortion`."""

from __future__ import annotations

from enas_inr.hookspecs import Objective, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_objectives() -> list[Objective]:
    """Return the description of the objective, which is imported when it is used."""
    return [
        Objective(
            name="rate_distortion",
            summary="PSNR - slope x bits per sample, for compression",
            target="enas_inr_rate.rate_distortion:RateDistortion",
            options="enas_inr_rate.rate_distortion:RateDistortionOptions",
            citation="Sullivan and Wiegand, Rate-Distortion Optimization for Video Compression, "
            "IEEE Signal Processing Magazine 1998",
        )
    ]
