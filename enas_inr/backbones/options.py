"""Options of the built-in backbones; without torch, since the command line reads them."""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from enas_inr.spec import EnsembleSpec, Options, Searchable, SignalInfo, TrainingSpec

BiasInit = Literal["paper", "fan_in", "fan_product", "zeros"]
"""The bound of the uniform initial biases: `fan_in` 1/sqrt(in), as in torch; `fan_product`
1/sqrt(in * out), as in the paper's code for M >= 4; `paper` chooses between them by the grid, as
that code does; `zeros`."""


LayeredT = TypeVar("LayeredT", bound="_LayeredOptions")  # not Self, which beartype cannot check
SirenT = TypeVar("SirenT", bound="SirenOptions")
FourierT = TypeVar("FourierT", bound="FourierOptions")


class _LayeredOptions(Options):
    """Options that all built-in backbones have.

    Attributes:
        bias_init: bound of the initial biases: `fan_in` 1/sqrt(in), `fan_product`
            1/sqrt(in * out), `zeros`; `paper` chooses one of the first two by the grid.
    """

    bias_init: BiasInit = "paper"

    def resolve(self: LayeredT, signal: SignalInfo, grid: int) -> LayeredT:
        """Resolve `paper`: fan_in for a grid of up to 3, else fan_product.

        The paper's code leaves a grid of 3 open; it gets fan_in.
        """
        if self.bias_init != "paper":
            return self
        return self.model_copy(update={"bias_init": "fan_in" if grid < 4 else "fan_product"})

    def filled(self: LayeredT, **values: float) -> LayeredT:
        """Return options with these values, but for those that were given."""
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        update = {name: value for name, value in values.items() if name not in given}
        return self.model_copy(update=update)


OMEGA_FIRST = 30.0
OMEGA_FIRST_AUDIO = (
    3000.0  # Sitzmann et al. for audio; docs/paper.md discusses the value of the paper
)


OMEGA_BY_SAMPLES, OMEGA_POWER = 110.0, 0.21
"""The fitted first omega_0 of a signal along one axis is 110 times the samples of a cell ^ 0.21."""

OMEGA_PICTURE, OMEGA_VOLUME = 45.0, 20.0
"""The fitted first omega_0 of a signal along two axes, and along more."""

OMEGA_BY_SIDE, OMEGA_LEAST, SCARCE, ENOUGH = 0.5, 10.0, 0.3, 1.0
"""If a network has at most 0.3 parameters for each value of its cell, the first omega_0 is half the
side of the cell in samples, but at least 10; it rises to the usual one at one parameter a value."""

OMEGAS_BETWEEN = (40.0, 15.0)
"""The first and the hidden omega_0 of a picture if values between the samples count."""

OMEGAS_SCARCE, SCARCE_BETWEEN, ENOUGH_BETWEEN = (28.0, 11.0), 0.1, 0.15
"""Those of a network with at least two hidden layers and at most 0.1 parameters for each value of
its cell; they rise to the usual ones at 0.15 parameters a value."""


def _points(signal: SignalInfo, grid: int) -> int:
    """Return the samples of the largest cells of a picture."""
    return math.prod(math.ceil(length / grid) for length in signal.shape)


def _parameters_a_value(signal: SignalInfo, architecture: EnsembleSpec) -> float:
    """Return the parameters of a network of a picture for each value of its cell."""
    width, depth = architecture.width, architecture.depth
    parameters = width * (3 + depth * (width + 1) + signal.channels) + signal.channels
    return parameters / (_points(signal, architecture.grid) * signal.channels)


def _rise(share: float, scarce: float, enough: float) -> float:
    """Return how far a share is between two others, geometrically: 0 at the lower and below."""
    return max(0.0, math.log(share / scarce) / math.log(enough / scarce))


def _risen(low: float, usual: float, rise: float) -> float:
    """Return a frequency between two, geometrically."""
    return round(low * math.pow(usual / low, rise), 1)


class SirenOptions(_LayeredOptions):
    """Options of `siren`.

    Attributes:
        omega_first: omega_0 of the first layer; None for the values of the SIREN authors, 30, and
            3000 for audio, or for one that fits the cell.
        omega_hidden: omega_0 of the hidden layers.
    """

    omega_first: Annotated[float | None, Searchable("10..100:log")] = Field(default=None, gt=0)
    omega_hidden: Annotated[float, Searchable("10..60:log")] = Field(default=30.0, gt=0)

    def sized(
        self: SirenT, signal: SignalInfo, architecture: EnsembleSpec, training: TrainingSpec
    ) -> SirenT:
        """Lower omega_0 of a picture for a network with fewer parameters than values.

        Such a network cannot hold the high frequencies of its cell (measured in docs/recipes.md),
        and if it is deep, it oscillates between the samples (measured in docs/paper.md).
        """
        if len(signal.shape) != 2:
            return self
        share = _parameters_a_value(signal, architecture)
        if training.extent > 1:
            if architecture.depth < 2 or share >= ENOUGH_BETWEEN:
                return self
            rise = _rise(share, SCARCE_BETWEEN, ENOUGH_BETWEEN)
            pairs = zip(OMEGAS_SCARCE, OMEGAS_BETWEEN, strict=True)
            first, hidden = (_risen(low, usual, rise) for low, usual in pairs)
            return self.filled(omega_first=first, omega_hidden=hidden)
        if share >= ENOUGH:
            return self
        side = math.sqrt(_points(signal, architecture.grid))
        lowest = min(OMEGA_PICTURE, max(OMEGA_LEAST, OMEGA_BY_SIDE * side))
        return self.filled(omega_first=_risen(lowest, OMEGA_PICTURE, _rise(share, SCARCE, ENOUGH)))

    def fitted(self: SirenT, signal: SignalInfo, grid: int, training: TrainingSpec) -> SirenT:
        """Choose omega_0 by the axes and the samples of a cell (measured in docs/recipes.md).

        A recipe with an extent is for values between the samples, which a lower omega_0 of the
        hidden layers makes smoother; for more than two axes, this is not measured.
        """
        if len(signal.shape) == 1:
            samples = max(math.ceil(signal.shape[0] / grid), training.extent)
            omega = OMEGA_BY_SAMPLES * samples**OMEGA_POWER
            if training.extent > 1:
                omega = min(omega, math.pi / 2 * samples)  # no more periods than samples can hold
            return self.filled(omega_first=round(omega, 1))
        picture = len(signal.shape) == 2
        if training.extent == 1:
            return self.filled(omega_first=OMEGA_PICTURE if picture else OMEGA_VOLUME)
        first, hidden = OMEGAS_BETWEEN
        return self.filled(omega_first=first, omega_hidden=hidden) if picture else self

    def resolve(self: SirenT, signal: SignalInfo, grid: int) -> SirenT:
        """Resolve the first omega_0 by the modality, and the biases by the grid."""
        omega = self.omega_first or (
            OMEGA_FIRST_AUDIO if signal.modality == "audio" else OMEGA_FIRST
        )
        return super().resolve(signal, grid).model_copy(update={"omega_first": omega})


SIGMA_BY_SAMPLES, SIGMA_POWER = 3.6, 0.5
"""The fitted sigma of `fourier` for a signal along one axis is 3.6 times the root of the samples
of a cell."""

SIGMA_PICTURE, SIGMA_VOLUME = 7.0, 4.0
"""The fitted sigma of a signal along two axes, and along more."""


class ReluOptions(_LayeredOptions):
    """Options of `relu`."""


class FourierOptions(_LayeredOptions):
    """Options of `fourier`.

    Attributes:
        mapping_size: rows of the mapping matrix, which gives twice as many features.
        sigma: standard deviation of its entries, in periods per cell.
    """

    mapping_size: Annotated[int, Searchable("16..128:log")] = Field(default=65, ge=1, le=100_000)
    sigma: Annotated[float, Searchable("1..30:log")] = Field(default=10.0, gt=0)

    def fitted(self: FourierT, signal: SignalInfo, grid: int, training: TrainingSpec) -> FourierT:
        """Choose sigma by the axes and the samples of a cell (measured in docs/recipes.md).

        If values between the samples count, the default remains, which is smoother for sounds.
        """
        if training.extent > 1:
            return self
        if len(signal.shape) == 1:
            samples = math.ceil(signal.shape[0] / grid)
            return self.filled(sigma=round(SIGMA_BY_SAMPLES * samples**SIGMA_POWER, 1))
        return self.filled(sigma=SIGMA_PICTURE if len(signal.shape) == 2 else SIGMA_VOLUME)
