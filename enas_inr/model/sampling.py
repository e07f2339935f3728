"""The positions of a rendering's samples along each axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.errors import SpecError

MAX_SAMPLES = 2**31  # of one rendering


def sample_positions(
    shape: tuple[int, ...],
    size: Sequence[int] | None = None,
    scale: float | None = None,
    window: Sequence[tuple[float, float]] | None = None,
) -> list[Float[Tensor, " points"]]:
    """Positions, in samples of the original, of the samples of a rendering along each axis.

    The window's samples, each as wide as window / size, lie in the middle of their share of it; so
    at the original size they are the original's, exactly.

    Args:
        shape: samples of the original.
        size: samples to render; None: the window's, times `scale`.
        scale: see there.
        window: along each axis (start, stop) in samples of the original, 0 being its edge.

    Raises:
        SpecError: a size or scale that is not positive or too large, or a window outside.
    """
    window = [(0.0, float(n)) for n in shape] if window is None else list(window)
    if len(window) != len(shape):
        raise SpecError(f"a window of {len(window)} axes for a signal of {len(shape)}", "give all")
    for (start, stop), n in zip(window, shape, strict=True):
        if not 0 <= start < stop <= n:
            raise SpecError(
                f"window {start:g} to {stop:g} is not inside 0 to {n}", "choose another"
            )
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        raise SpecError(f"scale {scale} is not positive", "give a number like 2 or 0.5")
    if size is None:
        size = [max(1, round((stop - start) * (scale or 1))) for start, stop in window]
    if len(size) != len(shape) or min(size) < 1 or math.prod(size) > MAX_SAMPLES:
        text = "x".join(map(str, size))
        raise SpecError(
            f"size {text} cannot be rendered",
            f"give {len(shape)} positive numbers, of {MAX_SAMPLES} samples together at most",
        )
    return [
        (torch.arange(count, dtype=torch.float64) + 0.5) * ((stop - start) / count) + start - 0.5
        for count, (start, stop) in zip(size, window, strict=True)
    ]
