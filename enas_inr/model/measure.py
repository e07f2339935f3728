"""Measure how well a model reconstructs its signal."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from pydantic import JsonValue

from enas_inr.model.layout import Layout
from enas_inr.signals.partition import Partition
from enas_inr.signals.quality import border_psnr_db, psnr_db, ssim
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB


@runtime_checkable
class Rendered(Protocol):
    """What is measured of a model."""

    @property
    def layout(self) -> Layout:
        """How the signal was cut."""

    def render(self) -> Signal:
        """Return its values at the samples of the original."""


def measure(model: Rendered, signal: Signal) -> dict[str, JsonValue]:
    """Measure a model at the samples of a signal, which must have the same shape.

    Returns:
        `psnr_db`, `psnr_paper_db`, `border_psnr_db` and `interior_psnr_db` (for samples beside
        borders of cells and for all others; None if there are none), and `ssim` for pictures.
    """
    rendered = model.render().values
    where = Partition(model.layout.grid, tuple(signal.values.shape[:-1]), ())  # without a copy
    border = border_psnr_db(where, signal.values, rendered)
    psnr = psnr_db(signal.values, rendered)
    measured: dict[str, JsonValue] = {"psnr_db": psnr, "psnr_paper_db": psnr - PSNR_OFFSET_DB}
    if signal.values.ndim == 3:
        measured["ssim"] = ssim(signal.values, rendered)
    measured["border_psnr_db"] = border.border_db
    measured["interior_psnr_db"] = border.interior_db
    return measured
