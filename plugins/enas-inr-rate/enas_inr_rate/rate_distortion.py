"""The Lagrangian of compression, `D + lambda R`, as a score to maximise.

    score = PSNR - slope * rate        rate = stored numbers * bits_per_number / samples

The distortion is the usual PSNR in dB, and the rate is in bits per sample (per pixel or per audio
frame), as in comparisons of codecs and in the output of `enas-inr info`. A larger network wins if
it gains more than `slope` decibels for each additional bit per sample. The best architecture is the
one at which a line of that slope touches the rate-distortion curve from above.

Sullivan and Wiegand, Rate-Distortion Optimization for Video Compression, IEEE Signal Processing
Magazine 15(6), 1998. The rate follows Dupont et al., COIN: COmpression with Implicit Neural
representations, 2021 (weights times their bits, per pixel).
"""

from __future__ import annotations

from typing import Literal, Self, final

from pydantic import Field

from enas_inr.cost import BYTES_PER_NUMBER
from enas_inr.errors import SpecError
from enas_inr.objectives.base import Objective
from enas_inr.result import TrialResult
from enas_inr.spec import Options, SignalInfo

SLOPE_PER_CHANNEL = 3.01
"""dB for each bit of each channel: half of the gain for a Gaussian source, 20 log10(2)."""


class RateDistortionOptions(Options):
    """Options of `rate_distortion`.

    Attributes:
        slope: decibels that one more bit per sample must be worth (lambda); by default 3.01
            divided by the number of channels, which share the bit.
        bits_per_number: bits of each stored number: 32, 16 or 8, for files that `enas-inr fit
            --precision` stores as float32, float16 or int8.
        samples: number of samples of the signal; filled in by default.
    """

    slope: float | None = Field(default=None, ge=0)
    bits_per_number: Literal[32, 16, 8] = 16
    samples: int | None = Field(default=None, ge=1)

    def resolve(self, signal: SignalInfo, grid: int) -> Self:
        """Fill in the slope and the number of samples."""
        slope = SLOPE_PER_CHANNEL / signal.channels if self.slope is None else self.slope
        samples = signal.samples if self.samples is None else self.samples
        return self.model_copy(update={"slope": slope, "samples": samples})


@final
class RateDistortion(Objective):
    """`PSNR - slope * bits per sample`.

    Args:
        options: options that are resolved for a signal.

    Raises:
        SpecError: the options are not resolved.
    """

    def __init__(self, options: RateDistortionOptions) -> None:
        if options.samples is None or options.slope is None:
            raise SpecError(
                f"rate_distortion needs samples and slope, not {options.samples}, {options.slope}",
                "fill them in with resolve(signal, grid), as a search does",
            )
        self._slope = options.slope
        self._bits_per_byte = options.bits_per_number / BYTES_PER_NUMBER
        self._samples = options.samples

    def rate(self, result: TrialResult) -> float:
        """Return the bits per sample, without the header of the file."""
        return result.trial.cost.bytes * self._bits_per_byte / self._samples

    def score(self, result: TrialResult) -> float:
        """Score a complete trial."""
        assert result.psnr_db is not None, "only complete trials are scored"
        return result.psnr_db - self._slope * self.rate(result)
