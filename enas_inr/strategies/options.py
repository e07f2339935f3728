"""Options of the built-in strategies."""

from __future__ import annotations

from pydantic import Field, JsonValue

from enas_inr.spec import Options

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
