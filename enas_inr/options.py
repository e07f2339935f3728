"""The options of our own plugins: torch-free, so that listing and validating them is quick."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, JsonValue, field_validator

from enas_inr.errors import SpecError
from enas_inr.spec import Options, SignalInfo

BiasInit = Literal["paper", "fan_in", "fan_product", "zeros"]
"""The bound of the uniform initial biases: `fan_in` 1/sqrt(in), as in torch; `fan_product`
1/sqrt(in * out), as in the paper's code for M >= 4; `paper` chooses between them by the grid, as
that code does; `zeros`."""


class _LayeredOptions(Options):
    """Options of all backbones here.

    Attributes:
        bias_init: bound of the initial biases: `fan_in` 1/sqrt(in), `fan_product`
            1/sqrt(in * out), `zeros`; `paper` chooses one of the first two by the grid.
    """

    bias_init: BiasInit = "paper"

    def resolve(self, signal: SignalInfo, grid: int) -> Self:
        """Settle `paper`: fan_in for a grid up to 2 (there untold: 3), fan_product above."""
        if self.bias_init != "paper":
            return self
        return self.model_copy(update={"bias_init": "fan_in" if grid < 4 else "fan_product"})


OMEGA_FIRST = 30.0
OMEGA_FIRST_AUDIO = 3000.0  # Sitzmann et al. for audio; see docs on what the paper may have used


class SirenOptions(_LayeredOptions):
    """Options of `siren`.

    Attributes:
        omega_first: omega_0 of the first layer; None: 30, for audio 3000 (the SIREN authors').
        omega_hidden: omega_0 of the hidden layers.
    """

    omega_first: float | None = Field(default=None, gt=0)
    omega_hidden: float = Field(default=30.0, gt=0)

    def resolve(self, signal: SignalInfo, grid: int) -> Self:
        """Settle the first omega_0 by the modality, and the biases by the grid."""
        omega = self.omega_first or (
            OMEGA_FIRST_AUDIO if signal.modality == "audio" else OMEGA_FIRST
        )
        return super().resolve(signal, grid).model_copy(update={"omega_first": omega})


class ReluOptions(_LayeredOptions):
    """Options of `relu`."""


class FourierOptions(_LayeredOptions):
    """Options of `fourier`.

    Attributes:
        mapping_size: rows of the mapping matrix; it gives twice as many features.
        sigma: standard deviation of its entries, in periods per cell.
    """

    mapping_size: int = Field(default=65, ge=1, le=100_000)
    sigma: float = Field(default=10.0, gt=0)


class ImageOptions(Options):
    """Options of `image`.

    Attributes:
        size: (width, height) to resize to when reading; None keeps the file's size.
    """

    size: tuple[int, int] | None = None

    @field_validator("size")
    @classmethod
    def _positive(cls, size: tuple[int, int] | None) -> tuple[int, int] | None:
        if size and min(size) < 1:
            raise ValueError("width and height must be at least 1")
        return size


class RayOptions(Options):
    """Options of `ray`.

    Attributes:
        address: of the cluster: `auto` for the one that runs here, `HOST:PORT`, or None to start
            one on this machine.
        workers: trials trained at a time; None: as many as the cluster has room for.
        cpus_per_trial: cores that each of them has.
        gpus_per_trial: GPUs likewise, 0.5 for two trials on one; None: 1 if the cluster has any.
        retries: how often a trial is tried again whose worker died.
    """

    address: str | None = None
    workers: int | None = Field(default=None, ge=1, le=100_000)
    cpus_per_trial: float = Field(default=1.0, ge=0)
    gpus_per_trial: float | None = Field(default=None, ge=0)
    retries: int = Field(default=3, ge=0)


class RayTuneOptions(Options):
    """Options of `ray`, the strategy.

    Attributes:
        trials: architectures to try, at the most.
        searcher: which come next: in a `random` order, or as `optuna`'s TPE learns.
        scheduler: which of those in training go on.
        grace_steps: that a trial makes before it may be stopped; None: a tenth of them.
        reduction_factor: of asha and hyperband: one in so many trials goes on.
        retries: how often a trial goes on whose worker died.
    """

    trials: int = Field(default=20, ge=1)
    searcher: Literal["random", "optuna"] = "random"
    scheduler: Literal["asha", "hyperband", "median", "pbt", "none"] = "asha"
    grace_steps: int | None = Field(default=None, ge=1)
    reduction_factor: int = Field(default=3, ge=2)
    retries: int = Field(default=3, ge=0)


PAPER_START = {"width": 256, "depth": 3}


class CoordinateOptions(Options):
    """Options of `coordinate`, Algorithm 1.

    Attributes:
        start: the architecture at which the first line search begins, by axis, each a value of
            the space; it is not trained unless a line search proposes it. Absent axes start at
            the paper's values (`PAPER_START`), if these are in the space, else at its largest.
        max_iterations: passes over all axes, at the most.
    """

    start: dict[str, int] = {}
    max_iterations: int = Field(default=10, ge=1)


class OptunaOptions(Options):
    """Options of `optuna`.

    Attributes:
        sampler: tpe, random, cmaes, nsgaii, gp, brute, or a class of `optuna.samplers`.
        sampler_options: its own, as Optuna documents them.
        trials: architectures to train, at the most.
        batch: how many the sampler names before it is told what they are worth; they can be
            trained side by side.
    """

    sampler: str = "tpe"
    sampler_options: dict[str, JsonValue] = {}
    trials: int = Field(default=20, ge=1)
    batch: int = Field(default=4, ge=1)


class PsnrFlopsOptions(Options):
    """Options of `psnr_flops`.

    Attributes:
        alpha: decibels that a factor of ten in FLOPs must be worth (7: halving them, 2.11 dB).
    """

    alpha: float = Field(default=7.0, ge=0)


PAPER_SIZE = "128"
"""The paper's image, as `parse_size` reads it."""

_SIDE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)  # pixels


def parse_size(text: str) -> tuple[int, int] | None:
    """Read an image size: `128` (a square), `WxH`, or `none`.

    Raises:
        SpecError: none of these.
    """
    if text.lower() == "none":
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(_SIDE.fullmatch(part) for part in parts):
        raise SpecError(f"size {text!r} is not an image size", "write 128, 640x480 or none")
    return int(parts[0]), int(parts[-1])
