"""Specifications: signal metadata, architecture, training, search space, budget and study.

All classes here are immutable, validated, and can be stored as JSON. An unknown key is an error.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from pydantic import (
    Field,
    JsonValue,
    field_validator,
)

from enas_inr.spec.aggregate import Aggregate
from enas_inr.spec.architecture import Cost, EnsembleSpec, Options, Searchable, SignalInfo
from enas_inr.spec.axis import Axis, Range
from enas_inr.spec.budget import MAXIMISED, Budget, Limit
from enas_inr.spec.recipe import PROFILES, TrainingSpec
from enas_inr.spec.space import Configuration, Fidelity, SearchSpace
from enas_inr.validation import Frozen, Lasting, nearest

__all__ = [
    "PSNR_OFFSET_DB",
    "Aggregate",
    "Axis",
    "Budget",
    "Choice",
    "Configuration",
    "Cost",
    "EnsembleSpec",
    "Fidelity",
    "Limit",
    "Options",
    "Part",
    "Range",
    "SearchSpace",
    "Searchable",
    "SignalInfo",
    "StudySpec",
    "TrainingSpec",
    "TrialSpec",
]

MOST_REPEATS, MOST_SEED = 10**6, 2**64 - 1

PSNR_OFFSET_DB = 20 * math.log10(2)
"""The usual PSNR (peak 2, the data range) minus the PSNR of the paper (peak 1): 6.0206 dB."""


class Choice(Frozen):
    """A plugin that is chosen by name, and its options as they were given."""

    name: str
    options: dict[str, JsonValue] = {}


class StudySpec(Lasting):
    """Everything that determines the trials of one search, and so their results.

    Attributes:
        signal: the signal; of a set, the first one.
        objective: the score, which decides which trial is best.
        objectives: names in `MAXIMISED` that a multi-objective strategy optimises together, and
            that the Pareto front is about; empty for the score alone.
        floor_db: decibels by which a trial must be better than the best constant for each cell to
            be a winner.
        signals: the signals of a set, in the order in which they are trained; empty for a study of
            one signal.
        aggregate: how the scores of the signals become that of a trial (`Aggregate.parse`).
    """

    later: ClassVar[tuple[str, ...]] = ("objectives", "floor_db", "signals", "aggregate")

    signal: SignalInfo
    space: SearchSpace
    strategy: Choice = Choice(name="coordinate")
    objective: Choice = Choice(name="psnr_flops")
    objectives: tuple[str, ...] = ()
    budget: Budget = Budget()
    training: TrainingSpec = PROFILES["paper"]
    repeats: int = Field(default=5, ge=1, le=MOST_REPEATS)
    seed: int = Field(default=0, ge=0, le=MOST_SEED)
    floor_db: float = 3.0
    signals: tuple[SignalInfo, ...] = ()
    aggregate: str = "mean"

    @field_validator("aggregate")
    @classmethod
    def _known_aggregate(cls, text: str) -> str:
        Aggregate.parse(text)
        return text

    @property
    def about(self) -> tuple[object, ...]:
        """Equal for studies about the same signals."""
        return tuple(info.identity for info in self.all_signals)

    @property
    def about_text(self) -> str:
        """The name of the signal, or the number of the signals of a set."""
        return f"{len(self.signals)} signals" if self.signals else self.signal.name

    @property
    def all_signals(self) -> tuple[SignalInfo, ...]:
        """The signals of the study."""
        return self.signals or (self.signal,)

    @field_validator("objectives")
    @classmethod
    def _known_and_distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in MAXIMISED:
                raise ValueError(f"unknown objective {name!r}; {nearest(name, MAXIMISED)}")
            if names.count(name) > 1:
                raise ValueError(f"objective {name!r} is named twice; name it once")
        return names

    def differences(self, other: StudySpec) -> list[str]:
        """List the settings in which another study differs, as `name: value, not other value`."""
        ours, theirs = _flat(self.model_dump(mode="json")), _flat(other.model_dump(mode="json"))
        return [
            f"{name}: {ours.get(name, '-')}, not {theirs.get(name, '-')}"
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name) != theirs.get(name)
        ]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        name: leaf
        for key, child in value.items()
        for name, leaf in _flat(child, f"{prefix}.{key}" if prefix else key).items()
    }


class Part(Lasting):
    """The part of a trial to train, or that was trained.

    Attributes:
        first_cell: the first of the cells, in their fixed order.
        cells: the end of the cells: one more than the last of them.
        first_repeat: the first of the repeats; the last one is that of the trial.
        first_step: number of steps that were made before, and from which the training goes on.
        steps: number of the last step; None for all steps of the recipe.
        signals: number of signals of a set on which the trial is wanted; None for all. It does not
            change what is trained on one of them.
    """

    later: ClassVar[tuple[str, ...]] = ("first_step", "steps", "signals")

    first_cell: int = Field(default=0, ge=0)
    cells: int = Field(ge=1)
    first_repeat: int = Field(default=0, ge=0)
    first_step: int = Field(default=0, ge=0)
    steps: int | None = Field(default=None, ge=1)
    signals: int | None = Field(default=None, ge=1)


class TrialSpec(Lasting):
    """One configuration to train on one signal: all that an executor needs besides the signal.

    Attributes:
        recipe: fields of `training` in which it differs from that of the study.
        part: the part of the cells and repeats that is meant; None for all of them.
        signal: number of the signal in the set of the study; 0 if it has only one.
        fitted: the architecture with options that fit this signal, if they differ from those of
            `ensemble`, which fit the first signal of the set.
    """

    later: ClassVar[tuple[str, ...]] = ("recipe", "part", "signal", "fitted")

    number: int
    ensemble: EnsembleSpec
    cost: Cost
    training: TrainingSpec
    recipe: dict[str, JsonValue] = {}
    part: Part | None = None
    repeats: int = Field(ge=1, le=MOST_REPEATS)
    seed: int = Field(ge=0, le=MOST_SEED)
    signal: int = Field(default=0, ge=0)
    fitted: EnsembleSpec | None = None

    @property
    def architecture(self) -> EnsembleSpec:
        """The architecture that is trained on its signal."""
        return self.fitted or self.ensemble

    @property
    def steps(self) -> int:
        """The number of its last step."""
        return (self.part and self.part.steps) or self.training.steps

    @property
    def configuration(self) -> Configuration:
        """What it trains."""
        return Configuration(**self.ensemble.model_dump(), recipe=self.recipe)
