"""Where the samples of a rendering lie among those of the original."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from enas_inr.signals.signal import Signal


def placed(signal: Signal) -> npt.NDArray[np.float64]:
    """Return the map from the voxels x, y, z of a rendering to those of the original: `4 4`."""
    firsts, steps = zip(*signal.sampling[-3:][::-1], strict=True)
    here = np.diag([*steps, 1.0])
    here[:3, 3] = firsts
    return here


def finite(number: float) -> bool:
    """Whether a number is neither NaN nor infinite."""
    return math.isfinite(number)
