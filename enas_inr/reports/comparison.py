"""The original and the reconstruction, as files to look at or listen to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from enas_inr import hookspecs
from enas_inr.catalog import Catalog
from enas_inr.errors import SignalError
from enas_inr.signals.loading import save_signal
from enas_inr.signals.signal import Signal

GAP = 4  # pixels between two pictures


def write_comparison(
    catalog: Catalog, original: Signal, reconstruction: Signal, folder: Path
) -> list[Path]:
    """Write both signals, and for pictures one with the two side by side.

    Returns:
        The paths of the files.

    Raises:
        SignalError: the folder or a file cannot be written.
    """
    make_folder(folder)
    described = catalog.describe("modality", original.modality)
    assert isinstance(described, hookspecs.Modality)
    written = {"original": original, "reconstruction": reconstruction}
    if original.values.ndim == 3:
        written["comparison"] = side_by_side(original, reconstruction)
    paths = []
    for name, signal in written.items():
        path = folder / f"{name}{described.suffixes[0]}"
        save_signal(catalog, signal, path)
        paths.append(path)
    return paths


def make_folder(folder: Path) -> None:
    """Make a folder where there is none.

    Raises:
        SignalError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SignalError(
            f"folder {folder} cannot be made: {error.strerror}", "choose another"
        ) from None


def side_by_side(left: Signal, right: Signal) -> Signal:
    """Join two signals of two axes (rows, columns) with a white gap between them."""
    import torch

    gap = torch.ones(left.values.shape[0], GAP, left.values.shape[2])
    return replace(left, values=torch.cat([left.values, gap, right.values], dim=1))
