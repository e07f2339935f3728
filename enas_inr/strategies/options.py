"""Options of the built-in strategies."""

from __future__ import annotations

from pydantic import Field, JsonValue

from enas_inr.spec import Options
from enas_inr.spec.axis import Scalar

PAPER_START = {"width": 256, "depth": 3}


class RacingOptions(Options):
    """The rules of races, see `enas_inr.strategies.racing`.

    Attributes:
        steps: share of the steps that is made in the first round; there are twice as many in each
            further one, before there are more cells.
        doubt: decibels by which a PSNR may still rise over that of another in the last half of the
            steps, and in each doubling before that; a falling rate makes this much.
        samples: samples of the signal on whose cells all configurations are trained first.
        least: smallest number of cells on which a configuration is trained.
        signals: number of signals of a set on which all configurations are trained first; there are
            twice as many in each further round, before there are more cells.
        tolerance: score that the winner may be short of the best one.
        interval: half the width of the 95% interval of the winner's PSNR at which it is known well
            enough, in dB; with the profile `paper`, the winner is trained in full.
    """

    steps: float = Field(default=1.0, gt=0, le=1)
    doubt: float = Field(default=12.0, ge=0)
    samples: int = Field(default=1024, ge=1)
    least: int = Field(default=4, ge=2)
    signals: int = Field(default=4, ge=2)
    tolerance: float = Field(default=0.2, ge=0)
    interval: float = Field(default=0.3, gt=0)


class CoordinateOptions(RacingOptions):
    """Options of `coordinate`, Algorithm 1.

    Attributes:
        racing: whether the configurations of a line race; None: with the profile `tuned`.
        start: where the first line search begins: a value of the space for each axis. The
            configuration is not trained unless a line search proposes it. Axes that are left out
            start at the paper's values (`PAPER_START`) if the space has them, or else at the
            largest size or the base.
        max_iterations: largest number of passes over all axes.
    """

    racing: bool | None = None
    start: dict[str, Scalar] = {}
    max_iterations: int = Field(default=10, ge=1)


class ExhaustiveOptions(RacingOptions):
    """Options of `exhaustive`.

    Attributes:
        racing: whether the configurations race, as with `race`, instead of being trained in full;
            None: with the profile `tuned`, unless the architectures are given.
        cells: share of the cells on which each configuration is trained, but at least two; scores
            are then estimates, and nothing races.
        promising: whether to leave out what cannot be better than the best one so far, whatever its
            PSNR is. This saves time where the score has a ceiling, and nothing races either.
    """

    racing: bool | None = None
    cells: float = Field(default=1.0, gt=0, le=1)
    promising: bool = False


class RaceOptions(RacingOptions):
    """Options of `race`.

    Attributes:
        configurations: largest number of configurations that enter the race; if the space has
            more, they are a random sample.
    """

    configurations: int = Field(default=256, ge=1)


class OptunaOptions(Options):
    """Options of `optuna`.

    Attributes:
        sampler: tpe, random, cmaes, nsgaii, gp, brute, or a class of `optuna.samplers`.
        sampler_options: options of the sampler, as documented by Optuna.
        trials: largest number of configurations to train.
        batch: number of configurations that the sampler proposes before it learns their values;
            the search then does not depend on the order in which trials end. None for a sampler
            that is asked whenever a trial can be trained, and learns each value at once; samplers
            that remember their proposals (cmaes, nsgaii and others) then propose 4.
    """

    sampler: str = "tpe"
    sampler_options: dict[str, JsonValue] = {}
    trials: int = Field(default=20, ge=1)
    batch: int | None = Field(default=None, ge=1)
