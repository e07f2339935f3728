"""The positions of the samples of a rendering along each axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.errors import SpecError
from enas_inr.validation import counted

MAX_SAMPLES = 2**31  # in one rendering


def sample_positions(
    shape: tuple[int, ...],
    size: Sequence[int] | None = None,
    scale: float | None = None,
    window: Sequence[tuple[float, float]] | None = None,
) -> list[Float[Tensor, " points"]]:
    """Return the positions of the samples of a rendering, in samples of the original.

    The window is divided into equal parts, and each sample lies in the middle of its part. At the
    original size, the positions are exactly those of the original samples.

    Args:
        shape: samples of the original along each axis.
        size: samples to render along each axis; by default those of the window times `scale`.
        scale: factor for the size of the window; 1 by default.
        window: (start, stop) along each axis in samples of the original, counted from its edge;
            by default the whole signal.

    Returns:
        The positions along each axis, in ascending order.

    Raises:
        SpecError: the size or the scale is not positive or is too large, or the window is not
            inside the signal.
    """
    window = [(0.0, float(n)) for n in shape] if window is None else list(window)
    if len(window) != len(shape):
        raise SpecError(
            f"the window has {counted(len(window), 'axis', 'axes')}, "
            f"but the signal has {len(shape)}",
            "give a range for each axis",
        )
    for (start, stop), n in zip(window, shape, strict=True):
        if not 0 <= start < stop <= n:
            raise SpecError(
                f"the window from {start:g} to {stop:g} is not inside the signal",
                f"choose a start and an end from 0 to {n}, the start first",
            )
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        raise SpecError(f"scale {scale} is not a positive number", "give a scale such as 2 or 0.5")
    if size is None:
        size = [max(1, round((stop - start) * (scale or 1))) for start, stop in window]
    if len(size) != len(shape) or min(size) < 1 or math.prod(size) > MAX_SAMPLES:
        text = "x".join(map(str, size))
        raise SpecError(
            f"size {text} cannot be rendered",
            f"give {len(shape)} positive numbers, with a product of at most {MAX_SAMPLES}",
        )
    return [
        (torch.arange(count, dtype=torch.float64) + 0.5) * ((stop - start) / count) + start - 0.5
        for count, (start, stop) in zip(size, window, strict=True)
    ]
