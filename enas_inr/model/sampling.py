"""The samples of a rendering along each axis, and the positions from which they are made.

A sample that covers more than one sample of the original is the mean of values between its edges,
one for each sample of the original or more. Otherwise detail that is too fine for the rendering
would come back as patterns that are not there. Sounds get a windowed sinc filter instead of the
mean, which would let too much of the high frequencies through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.errors import SpecError
from enas_inr.validation import counted

MAX_SAMPLES = 2**31  # in one rendering
MAX_EVALUATIONS = 4096
"""The largest number of values of which a sample is the mean; beyond, they lie further apart."""

_PERIODS = 16  # of the new samples, to each side of the sinc filter
_CUTOFF = 0.94  # of the highest frequency that the new samples can have
_BETA = 8.0  # of the Kaiser window: about 80 dB of attenuation


@dataclass(frozen=True)
class Sampling:
    """The samples along one axis.

    Attributes:
        start: where the window begins, in samples of the original, counted from its edge.
        step: distance of the samples, in samples of the original.
        count: number of samples.
        length: samples of the original.
        factor: number of positions for each sample.
        sinc: whether a sinc filter is used instead of the mean.
    """

    start: float
    step: float
    count: int
    length: int
    factor: int = 1
    sinc: bool = False

    @property
    def margin(self) -> int:
        """Number of positions that the filter needs before those of a sample, and after them."""
        return _PERIODS * self.factor if self.sinc else 0

    def positions(self, first: int = 0, last: int | None = None) -> Float[Tensor, " points"]:
        """Return the positions from which the samples of a range are made, in ascending order.

        Position 0 is the first sample of the original. The filter of a sound repeats the outer
        samples of the original beyond its ends.
        """
        last = self.count if last is None else last
        steps = torch.arange(
            first * self.factor - self.margin,
            last * self.factor + self.margin,
            dtype=torch.float64,
        )
        found = (steps + 0.5) * (self.step / self.factor) + self.start - 0.5
        return found.clamp(0, self.length - 1) if self.sinc else found

    def filtered(self, values: Tensor, axis: int) -> Tensor:
        """Return the samples from the values at the positions of their range."""
        if self.factor == 1:
            return values
        if not self.sinc:
            shape = (*values.shape[:axis], -1, self.factor, *values.shape[axis + 1 :])
            return values.reshape(shape).mean(dim=axis + 1)
        moved = values.movedim(axis, -1)
        signals = moved.reshape(-1, 1, moved.shape[-1])
        weights = self._weights.to(values.dtype)[None, None]
        made = torch.nn.functional.conv1d(signals, weights, stride=self.factor)
        return made.reshape(*moved.shape[:-1], -1).movedim(-1, axis)

    @cached_property
    def _weights(self) -> Float[Tensor, " taps"]:
        taps = self.factor + 2 * self.margin
        periods = (torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2) / self.factor
        window = torch.kaiser_window(taps, periodic=False, beta=_BETA, dtype=torch.float64)
        weights = torch.sinc(_CUTOFF * periods) * window
        return weights / weights.sum()


def samplings(
    shape: tuple[int, ...],
    size: Sequence[int] | None = None,
    scale: float | None = None,
    window: Sequence[tuple[float, float]] | None = None,
    *,
    sound: bool = False,
) -> list[Sampling]:
    """Return the samples of a rendering along each axis.

    The window is divided into equal parts, and each sample lies in the middle of its part. At the
    original size, the positions are exactly those of the original samples.

    Args:
        shape: samples of the original along each axis.
        size: samples to render along each axis; by default those of the window times `scale`.
        scale: factor for the size of the window; 1 by default.
        window: (start, stop) along each axis in samples of the original, counted from its edge;
            by default the whole signal.
        sound: whether the signal is a sound.

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
        lengths = [(stop - start) * (scale or 1) for start, stop in window]
        if max(lengths) > MAX_SAMPLES:
            raise SpecError(
                f"scale {scale or 1:g} makes more than {MAX_SAMPLES} samples", "give a smaller one"
            )
        size = [max(1, round(length)) for length in lengths]
    if len(size) != len(shape) or min(size) < 1 or math.prod(size) > MAX_SAMPLES:
        text = "x".join(map(str, size))
        raise SpecError(
            f"size {text} cannot be rendered",
            f"give {len(shape)} positive numbers, with a product of at most {MAX_SAMPLES}",
        )
    most = max(1, math.floor(MAX_EVALUATIONS ** (1 / len(shape)) + 1e-9))
    found = []
    for count, (start, stop), length in zip(size, window, shape, strict=True):
        step = (stop - start) / count
        factor = min(most, max(1, math.ceil(round(step, 9))))
        found.append(Sampling(start, step, count, length, factor, sound and factor > 1))
    return found
