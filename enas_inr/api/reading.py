"""Read what the user named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enas_inr.catalog import Catalog
from enas_inr.options import PAPER_SIZE, parse_size

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal


def read_signal(
    catalog: Catalog, source: str, size: str | int | None, default: str = PAPER_SIZE
) -> Signal:
    """Read a signal, resized as `size` says: `128` (a square), `WxH` or `none`.

    Where `size` is None, signals that have one are resized to `default`.

    Raises:
        SignalError: it cannot be read.
        SpecError: `size` is not a size, or the signal has none.
    """
    from enas_inr.signals.loading import load_signal, takes_option

    if size is None and not takes_option(catalog, source, "size"):
        return load_signal(catalog, source)
    width_height = parse_size(default if size is None else str(size))
    return load_signal(catalog, source, {"size": list(width_height) if width_height else None})
