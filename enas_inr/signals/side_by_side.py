"""The original and the reconstruction, as files to look at or listen to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from enas_inr import hookspecs
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.files import make_folder
from enas_inr.signals.loading import save_signal
from enas_inr.signals.signal import Signal
from enas_inr.signals.slices import middle_slice

GAP = 4  # pixels between two pictures


def write_comparison(
    catalog: Catalog, original: Signal, reconstruction: Signal, folder: Path
) -> list[Path]:
    """Write both signals, and one picture with the two side by side.

    Of more than two axes, that is of the middle slices; there is none of sounds, and of slices
    whose channels a picture cannot hold.

    Returns:
        The paths of the files.

    Raises:
        SignalError: the folder or a file cannot be written.
    """
    make_folder(folder)
    suffix = _suffix(catalog, original.modality)
    written = {f"original{suffix}": original, f"reconstruction{suffix}": reconstruction}
    axes, channels = original.values.ndim - 1, original.values.shape[-1]
    if axes == 2:
        written[f"comparison{suffix}"] = side_by_side(original, reconstruction)
    elif axes > 2 and channels in (1, 3, 4):
        both = side_by_side(middle_slice(original), middle_slice(reconstruction))
        written["comparison.png"] = replace(both, modality="image")
    for name, signal in written.items():
        save_signal(catalog, signal, folder / name)
    return [folder / name for name in written]


def comparison_paths(catalog: Catalog, modality: str, folder: Path) -> list[Path]:
    """Return the paths of all files that `write_comparison` may write for a modality."""
    suffix = _suffix(catalog, modality)
    names = [f"{name}{suffix}" for name in ("original", "reconstruction", "comparison")]
    return [folder / name for name in dict.fromkeys([*names, "comparison.png"])]


def _suffix(catalog: Catalog, modality: str) -> str:
    described = catalog.describe("modality", modality)
    assert isinstance(described, hookspecs.Modality)
    return described.suffixes[0]


def side_by_side(left: Signal, right: Signal) -> Signal:
    """Join two signals of two axes (rows, columns) with a white gap between them."""
    gap = torch.ones(left.values.shape[0], GAP, left.values.shape[2])
    return replace(left, values=torch.cat([left.values, gap, right.values], dim=1))
