"""Read and write `.npy` files; reading uses memory maps, so that sizes can be checked first."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from enas_inr.errors import SignalError, first_line
from enas_inr.signals.levels import Numbers


def load(path: Path) -> Numbers:
    """Return the array of a file as a memory map.

    Raises:
        SignalError: the file is not a `.npy` file, is damaged, or holds Python objects.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # NumPy raises various errors on damaged headers
        raise SignalError(
            f"{str(path)!r} is not a NumPy array or is damaged: {first_line(error)}",
            "give a complete .npy file of numbers",
        ) from None


def dump(numbers: Numbers) -> bytes:
    """Return the content of a file."""
    buffer = BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(numbers), allow_pickle=False)
    return buffer.getvalue()
