"""Volumes for enas-inr: `.npy`, `.nii` and `.nii.gz` files as signals of three or four axes."""

from __future__ import annotations

from enas_inr.hookspecs import Modality, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_modalities() -> list[Modality]:
    """Describe the modality; it is imported on use."""
    return [
        Modality(
            name="volume",
            summary="3-D and 4-D volumes: NumPy arrays and NIfTI images",
            target="enas_inr_volume.volume:VolumeModality",
            options="enas_inr_volume.options:VolumeOptions",
            suffixes=(".nii.gz", ".nii", ".npy"),
            axes=(3, 4),
            channels=(1,),
            citation="Cox et al., A (Sort of) New Image Data Format Standard: NIfTI-1, HBM 2004",
        )
    ]
