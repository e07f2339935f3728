"""Video clips for enas-inr, which are signals of three axes of which the first is time."""

from __future__ import annotations

from enas_inr.hookspecs import Modality, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_modalities() -> list[Modality]:
    """Return the description of the modality, which is imported when it is used."""
    return [
        Modality(
            name="video",
            summary="short video clips without sound",
            target="enas_inr_video.video:VideoModality",
            options="enas_inr_video.options:VideoOptions",
            suffixes=(".mp4", ".mkv", ".webm", ".mov", ".avi"),
            axes=(3,),
            channels=(3,),
            timed=True,
            citation="Chen et al., NeRV: Neural Representations for Videos, NeurIPS 2021 "
            "(related work)",
        )
    ]
