"""The spectrum of a signal, and how busy it is, from windows that are spread over it.

The power spectrum is the mean over Hann windows, from each of which the mean is subtracted
(Welch, "The use of fast Fourier transform for the estimation of power spectra", 1967).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB

WINDOWS = 256  # at most, so that a large signal needs no more time
SIDES = {1: 1024, 2: 32, 3: 16}  # samples along each axis of a window, by the number of axes
SIDE = 8  # for more axes
FLAT = 2 / 255  # standard deviation of a window in which 8-bit values hardly differ
BUSY_SHARE = 0.1


@dataclass(frozen=True)
class Spectrum:
    """The frequencies of a signal, and how much its windows vary.

    Attributes:
        cycles: frequencies in cycles a sample, ascending; with several axes, the lengths of their
            vectors.
        above: by frequency, the mean square of what has at least that frequency; the first one is
            the variance within the windows.
        typical: median over the windows of the standard deviation of their values.
        busy: that of the busiest tenth of them: the lowest one.
        flat: share of the windows whose values hardly differ.
    """

    cycles: tuple[float, ...]
    above: tuple[float, ...]
    typical: float
    busy: float
    flat: float

    def needed(self, psnr_db: float) -> tuple[float, float]:
        """Return which frequencies a reconstruction needs for a PSNR.

        Args:
            psnr_db: in the usual convention, in which the peak is the data range.

        Returns:
            The frequency in cycles a sample, and the share of all frequencies that lie below it.
        """
        allowed = 10 ** ((PSNR_OFFSET_DB - psnr_db) / 10)
        count = sum(power > allowed for power in self.above)
        return self.cycles[min(count, len(self.cycles) - 1)], count / len(self.cycles)


def spectrum_of(signal: Signal) -> Spectrum:
    """Measure a signal of 1 to 4 axes on at most 256 windows of each channel.

    Args:
        signal: values in [-1, 1].
    """
    windows = _windows(signal.values)
    axes = tuple(range(1, windows.ndim))
    windows = windows - windows.mean(axes, keepdim=True)
    deviations = windows.square().mean(axes).sqrt()
    shape = windows.shape[1:]
    for axis, length in enumerate(shape):
        # Without its zeros at both ends, so that each sample of a short window counts.
        hann = torch.hann_window(length + 2, periodic=False, dtype=windows.dtype)[1:-1]
        windows = windows * hann.reshape([-1 if at == axis else 1 for at in range(len(shape))])
    power = torch.fft.fftn(windows, dim=axes).abs().square().mean(dim=0).flatten()
    along = [torch.fft.fftfreq(length, dtype=windows.dtype) for length in shape]
    squares = torch.stack(torch.meshgrid(*along, indexing="ij")).square().sum(dim=0)
    cycles, order = squares.flatten().sqrt().sort(stable=True)
    shares = power[order] / power.sum().clamp(min=torch.finfo(power.dtype).tiny)
    above = shares.flip(0).cumsum(0).flip(0) * deviations.square().mean()
    return Spectrum(
        cycles=tuple(cycles.tolist()),
        above=tuple(above.tolist()),
        typical=float(deviations.median()),
        busy=float(deviations.quantile(1 - BUSY_SHARE)),
        flat=float((deviations < FLAT).double().mean()),
    )


def _windows(values: Float[Tensor, "*axes channels"]) -> Tensor:
    """Return windows at equal distances along each axis: `[channels and windows, *window]`."""
    shape = values.shape[:-1]
    side = SIDES.get(len(shape), SIDE)
    along = math.floor(WINDOWS ** (1 / len(shape)) + 1e-9)
    places: list[Tensor] = []
    for axis, length in enumerate(shape):
        window = min(side, length)
        halves = 2 * math.ceil(length / window) - 1  # of which two neighbours share a half
        starts = torch.linspace(0, length - window, min(along, halves)).long()
        view = [1] * (2 * len(shape))
        view[axis], view[len(shape) + axis] = len(starts), window
        places.append((starts[:, None] + torch.arange(window)).reshape(view))
    picked = values[tuple(places)].movedim(-1, 0)  # channels, windows of each axis, samples
    return picked.flatten(0, len(shape)).double()
