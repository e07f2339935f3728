"""Read what the user named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.options import PAPER_SIZE, parse_size

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal


def read_signal(
    catalog: Catalog,
    source: str,
    size: str | int | None,
    default: str = PAPER_SIZE,
    options: Mapping[str, Any] | None = None,
) -> Signal:
    """Read a signal, resized as `size` says: `128` (a square), `WxH` or `none`.

    Where `size` is None, signals that have one are resized to `default`.

    Args:
        catalog: the plugins.
        source: a file or a sample.
        size: see there.
        default: see there.
        options: others, of the modality that reads it.

    Raises:
        SignalError: it cannot be read.
        SpecError: `size` is not a size, the signal has none, or an option is not valid.
    """
    from enas_inr.signals.loading import load_signal, takes_option

    given = dict(options or {})
    resizes = takes_option(catalog, source, "size")
    if size is None and ("size" in given or not resizes):
        return load_signal(catalog, source, given)
    if not resizes and parse_size(str(size)) is None:
        return load_signal(catalog, source, given)  # `none` is what it has
    if not resizes:
        raise SpecError(f"size {size} does not apply to {source}", "leave it out")
    if "size" in given:
        raise SpecError(f"size {size!r} and the option size {given['size']!r}", "give one of them")
    width_height = parse_size(default if size is None else str(size))
    return load_signal(
        catalog, source, given | {"size": list(width_height) if width_height else None}
    )
