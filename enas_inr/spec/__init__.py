"""Specifications: signal metadata, architecture, training, search space, budget and study.

All classes here are immutable, validated, and can be stored as JSON. An unknown key is an error.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from enas_inr.errors import SpecError
from enas_inr.spec.recipe import PROFILES, TrainingSpec
from enas_inr.validation import Frozen, format_quantity, nearest, parse, parse_quantity

__all__ = [
    "MAXIMISED",
    "PAPER_MAX_FLOPS",
    "PSNR_OFFSET_DB",
    "Axis",
    "Budget",
    "Choice",
    "Cost",
    "EnsembleSpec",
    "Limit",
    "Options",
    "SearchSpace",
    "SignalInfo",
    "StudySpec",
    "TrainingSpec",
    "TrialSpec",
]

PSNR_OFFSET_DB = 20 * math.log10(2)
"""The usual PSNR (peak 2, the data range) minus the PSNR of the paper (peak 1): 6.0206 dB."""
AXIS_LETTERS: Mapping[str, str] = MappingProxyType({"grid": "M", "depth": "d", "width": "w"})
"""The letters of the sizes of an architecture, as in the paper."""


class SignalInfo(Frozen):
    """The metadata of a signal.

    Attributes:
        shape: samples along each spatial axis (image: rows, columns; audio: frames).
        sample_rate: samples per second along a time axis, if there is one.
        fingerprint: SHA-256 of the values, by which a study recognises its signal.
    """

    name: str
    modality: str
    shape: tuple[int, ...]
    channels: int
    sample_rate: int | None = None
    fingerprint: str = ""

    @field_validator("name")
    @classmethod
    def _unicode(cls, name: str) -> str:
        # A file name may hold any bytes, but JSON and databases hold Unicode.
        return name.encode(errors="replace").decode()

    @property
    def identity(self) -> tuple[str, tuple[int, ...], int, str]:
        """Equal for signals with the same values and the same shape, whatever their names are."""
        return self.modality, self.shape, self.channels, self.fingerprint

    @property
    def samples(self) -> int:
        """The number of samples, such as pixels or frames, without counting channels."""
        return math.prod(self.shape)


class Options(Frozen):
    """Base class of the options of a plugin. Every option needs a default."""

    def resolve(self, signal: SignalInfo, grid: int) -> Self:
        """Fill in the options whose defaults depend on the signal or the grid; by default none."""
        return self

    def fitted(self, signal: SignalInfo, grid: int, training: TrainingSpec) -> Self:
        """Fill in options before `resolve` by values that fit a cell; by default none.

        Called for trainings with `TrainingSpec.defaults` "fitted" (see docs/recipes.md). An option
        that was given is in `model_fields_set`, and keeps its value.
        """
        return self


class EnsembleSpec(Frozen):
    """One architecture: a backbone, its options, and the three sizes of the paper.

    Attributes:
        grid: M, the number of cells along each spatial axis.
        depth: d, the number of hidden w->w layers.
        width: w, the units of a hidden layer.
    """

    backbone: str = "siren"
    options: dict[str, JsonValue] = {}
    grid: int = Field(default=8, ge=1, le=1_000_000)
    depth: int = Field(default=1, ge=0, le=1_000)
    width: int = Field(default=64, ge=1, le=1_000_000)

    def key(self) -> str:
        """Return the canonical key: equal keys mean equal architectures."""
        return json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))

    def label(self) -> str:
        """Return a short name for people: `siren M=8 d=1 w=128`."""
        return f"{self.backbone} {self.short_label()}"

    def short_label(self, axes: Iterable[str] = AXIS_LETTERS) -> str:
        """Return the sizes on these axes alone: `M=8 w=128`."""
        return " ".join(f"{AXIS_LETTERS[axis]}={getattr(self, axis)}" for axis in axes)

    def sizes(self) -> dict[str, int]:
        """Return the grid, the depth and the width by name."""
        return {axis: getattr(self, axis) for axis in AXIS_LETTERS}

    def with_value(self, axis: str, value: int) -> Self:
        """Return the architecture with another value on one axis."""
        return self.model_copy(update={axis: value})


class Cost(Frozen):
    """The cost of an ensemble, which is known without training it.

    Attributes:
        flops: FLOPs of one evaluation of the whole signal, in the paper's convention (see
            `enas_inr.cost`).
        parameters: number of trained parameters of all cells.
        bytes: size of all stored numbers (parameters and constants) as float32.
    """

    flops: int
    parameters: int
    bytes: int


class Axis(Frozen):
    """One axis of a search space: a field of EnsembleSpec and the values to try."""

    name: Literal["grid", "depth", "width"]
    values: tuple[int, ...] = Field(min_length=1)

    @field_validator("values")
    @classmethod
    def _distinct_and_sorted(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(values)))


class SearchSpace(Frozen):
    """A base architecture and the axes along which it varies, in the order of the search.

    Attributes:
        only: the combinations to consider, each with a value for every axis in the order of the
            axes; empty for all combinations.
    """

    base: EnsembleSpec
    axes: tuple[Axis, ...] = Field(min_length=1)
    only: tuple[tuple[int, ...], ...] = ()

    @model_validator(mode="after")
    def _only_of_the_axes(self) -> Self:
        for values in self.only:
            if len(values) != len(self.axes) or not all(
                value in axis.values for value, axis in zip(values, self.axes, strict=True)
            ):
                names = ", ".join(axis.name for axis in self.axes)
                raise ValueError(f"only: {values} is not one value for each of {names}")
            if self.only.count(values) > 1:
                raise ValueError(f"only: {values} is named twice; name it once")
        return self

    @model_serializer(mode="wrap")
    def _without_empty_only(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # The name of a study is derived from its JSON; studies older than `only` keep their names.
        dumped: dict[str, Any] = dump(self)
        if not self.only:
            dumped.pop("only", None)
        return dumped

    @classmethod
    def of(cls, specs: Sequence[EnsembleSpec]) -> Self:
        """Return the space of the given architectures, which differ only in their sizes.

        Raises:
            SpecError: no architecture is given, or they differ in more than their sizes.
        """
        base, *others = specs or [EnsembleSpec()]
        if not specs or any(base.model_copy(update=s.sizes()) != s for s in others):
            raise SpecError(
                "a space of given architectures needs one backbone with one set of options"
            )
        names: tuple[Literal["grid", "depth", "width"], ...] = ("grid", "depth", "width")
        axes = tuple(Axis(name=n, values=tuple(getattr(s, n) for s in specs)) for n in names)
        return cls(base=base, axes=axes, only=tuple(tuple(s.sizes().values()) for s in specs))

    def axis(self, name: str) -> Axis:
        """Return an axis by its name.

        Raises:
            SpecError: the space has no such axis.
        """
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise SpecError(
            f"the search space has no axis {name!r}", nearest(name, [a.name for a in self.axes])
        )

    def specs(self) -> Iterator[EnsembleSpec]:
        """Iterate over the architectures of the space; the last axis changes fastest."""
        names = [axis.name for axis in self.axes]
        for values in self.only or itertools.product(*(axis.values for axis in self.axes)):
            spec = self.base.model_dump() | dict(zip(names, values, strict=True))
            yield parse(EnsembleSpec, spec, "search space")


class Limit(Frozen):
    """An upper limit, absolute or per sample of the signal, such as `1G` or `61035/sample`."""

    value: float = Field(gt=0)
    per_sample: bool = False

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read a limit from text.

        Raises:
            SpecError: the text is neither a quantity nor a quantity per sample.
        """
        amount, slash, unit = text.partition("/")
        if slash and unit.strip() != "sample":
            raise SpecError(f"{text!r} is not a limit", "write it like 500M, 1G or 60k/sample")
        return cls(value=parse_quantity(amount), per_sample=bool(slash))

    def total(self, samples: int) -> int:
        """Return the limit for a signal with that many samples."""
        return math.floor(self.value * samples if self.per_sample else self.value)

    def __str__(self) -> str:
        return format_quantity(self.value) + ("/sample" if self.per_sample else "")


PAPER_MAX_FLOPS = Limit(value=61_035, per_sample=True)
"""The paper's F_max, 1 GFLOP for 128x128 pixels, as a limit per sample for signals of any size."""


class Budget(Frozen):
    """Hard limits. An architecture that exceeds one of them is never trained."""

    flops: Limit | None = PAPER_MAX_FLOPS
    parameters: Limit | None = None
    bytes: Limit | None = None

    def limits(self, samples: int) -> dict[str, int]:
        """Return the limits that are set, by name, for a signal with that many samples."""
        named = {"flops": self.flops, "parameters": self.parameters, "bytes": self.bytes}
        return {name: limit.total(samples) for name, limit in named.items() if limit}


MAXIMISED = {"psnr": True, "score": True, "flops": False, "parameters": False, "bytes": False}
"""The possible objectives of a study, and whether larger values are better."""


class Choice(Frozen):
    """A plugin that is chosen by name, and its options as they were given."""

    name: str
    options: dict[str, JsonValue] = {}


class StudySpec(Frozen):
    """Everything that determines the trials of one search on one signal, and so their results.

    Attributes:
        objective: the score, which decides which trial is best.
        objectives: names in `MAXIMISED` that a multi-objective strategy optimises together, and
            that the Pareto front is about; empty for the score alone.
    """

    signal: SignalInfo
    space: SearchSpace
    strategy: Choice = Choice(name="coordinate")
    objective: Choice = Choice(name="psnr_flops")
    objectives: tuple[str, ...] = ()
    budget: Budget = Budget()
    training: TrainingSpec = PROFILES["paper"]
    repeats: int = Field(default=5, ge=1)
    seed: int = Field(default=0, ge=0)

    @field_validator("objectives")
    @classmethod
    def _known_and_distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in MAXIMISED:
                raise ValueError(f"unknown objective {name!r}; {nearest(name, MAXIMISED)}")
            if names.count(name) > 1:
                raise ValueError(f"objective {name!r} is named twice; name it once")
        return names

    @model_serializer(mode="wrap")
    def _without_empty_objectives(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # The name of a study is derived from its JSON; studies older than `objectives` keep theirs.
        dumped: dict[str, Any] = dump(self)
        if not self.objectives:
            dumped.pop("objectives", None)
        return dumped

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


class TrialSpec(Frozen):
    """One architecture to train: everything that an executor needs besides the signal."""

    number: int
    ensemble: EnsembleSpec
    cost: Cost
    training: TrainingSpec
    repeats: int = Field(ge=1)
    seed: int = Field(ge=0)
