"""NumPy's `.npy` files, read as memory maps: nothing is loaded before its size is known."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from enas_inr.errors import SignalError
from enas_inr_volume.levels import Numbers


def load(path: Path) -> Numbers:
    """Map a file's array.

    Raises:
        SignalError: not a `.npy` file, a damaged one, or one of Python objects.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # on damaged headers NumPy raises almost anything
        raise SignalError(
            f"{str(path)!r}: not a NumPy array, or damaged: {error or type(error).__name__}",
            "give a complete .npy file of numbers",
        ) from None


def dump(numbers: Numbers) -> bytes:
    """The content of a file."""
    buffer = BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(numbers), allow_pickle=False)
    return buffer.getvalue()
