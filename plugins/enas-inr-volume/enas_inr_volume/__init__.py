"""Volumes for enas-inr, which are signals of three or four axes in `.npy` and NIfTI files."""

from __future__ import annotations

from enas_inr.hookspecs import Modality, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_modalities() -> list[Modality]:
    """Return the description of the modality, which is imported when it is used."""
    return [
        Modality(
            name="volume",
            summary="3-D and 4-D volumes: NumPy, NIfTI, NRRD, DICOM series and TIFF stacks",
            target="enas_inr_volume.volume:VolumeModality",
            options="enas_inr_volume.options:VolumeOptions",
            suffixes=(".nii.gz", ".nii", ".npy", ".nrrd", ".dcm", ".ima", ".zip"),
            axes=(3, 4),
            channels=(1,),
            citation="Cox et al., A (Sort of) New Image Data Format Standard: NIfTI-1, HBM 2004",
        )
    ]
