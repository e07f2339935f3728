"""What is asked: signals' facts, architectures, training, search space, budget and study.

Everything here is frozen, goes to JSON and back, and is validated: an unknown key is an error.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from enas_inr.errors import SpecError
from enas_inr.validation import Frozen, format_quantity, nearest, parse, parse_quantity

PSNR_OFFSET_DB = 20 * math.log10(2)
"""The usual PSNR (peak = the data range, 2) minus the paper's (peak = 1): 6.0206 dB."""
AXIS_LETTERS: Mapping[str, str] = MappingProxyType({"grid": "M", "depth": "d", "width": "w"})
"""What the sizes of an architecture are called in short, as in the paper."""


class SignalInfo(Frozen):
    """The facts of a signal that everything but the training needs.

    Attributes:
        shape: samples along each spatial axis (image: rows, columns; audio: frames).
        fingerprint: SHA-256 of the values, so that a study knows its signal again.
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
        # A file's name may hold any bytes; JSON and databases hold Unicode.
        return name.encode(errors="replace").decode()

    @property
    def identity(self) -> tuple[str, tuple[int, ...], int, str]:
        """Equal for signals of the same values in the same form, whatever they are called."""
        return self.modality, self.shape, self.channels, self.fingerprint

    @property
    def samples(self) -> int:
        """The number of samples (pixels, frames), whatever their channels."""
        return math.prod(self.shape)


class Options(Frozen):
    """Base of a plugin's options: a torch-free model with defaults."""

    def resolve(self, signal: SignalInfo, grid: int) -> Self:
        """Replace every 'it depends' by the value for this signal and grid; here: nothing."""
        return self


class EnsembleSpec(Frozen):
    """One architecture: a backbone, its options, and the three sizes of the paper.

    Attributes:
        grid: M, the cells along each spatial axis.
        depth: d, the number of hidden w->w layers.
        width: w, the units of a hidden layer.
    """

    backbone: str = "siren"
    options: dict[str, JsonValue] = {}
    grid: int = Field(default=8, ge=1, le=1_000_000)
    depth: int = Field(default=1, ge=0, le=1_000)
    width: int = Field(default=64, ge=1, le=1_000_000)

    def key(self) -> str:
        """Name the architecture canonically: equal keys are the same architecture."""
        return json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))

    def label(self) -> str:
        """Name it for people: `siren M=8 d=1 w=128`."""
        return f"{self.backbone} {self.short_label()}"

    def short_label(self, axes: Iterable[str] = AXIS_LETTERS) -> str:
        """Only its sizes on these axes: `M=8 w=128`."""
        return " ".join(f"{AXIS_LETTERS[axis]}={getattr(self, axis)}" for axis in axes)

    def sizes(self) -> dict[str, int]:
        """Its grid, depth and width, by name."""
        return {axis: getattr(self, axis) for axis in AXIS_LETTERS}

    def with_value(self, axis: str, value: int) -> Self:
        """Return the same architecture with another value on one axis."""
        return self.model_copy(update={axis: value})


class Cost(Frozen):
    """What an ensemble costs, known without training it.

    Attributes:
        flops: of one evaluation of the whole signal, in the paper's convention (see `cost.py`).
        parameters: trained numbers, over all cells.
        bytes: of all stored numbers (parameters and fixed constants) as float32.
    """

    flops: int
    parameters: int
    bytes: int


Beta = Annotated[float, Field(ge=0, lt=1)]


class TrainingSpec(Frozen):
    """How a trial is trained.

    Attributes:
        learning_rate: None means the backbone's own default.
        patience: stop after this many steps without a new minimum of the loss.
        coordinates: `centers` puts the first and last sample centre of a cell at -1 and +1 (the
            paper's code); `edges` puts the cell's edges there (the paper's text).
        extent: a cell of fewer samples along an axis has the coordinates of the middle of one
            that has as many; without it, members of small cells oscillate between the samples.
        margin: samples beyond its borders on which each member is trained, too, so that
            neighbours agree where they meet.
    """

    profile: str = "paper"
    steps: int = Field(default=500, ge=1, le=10_000_000)
    learning_rate: float | None = Field(default=None, gt=0)
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    epsilon: float = Field(default=1e-8, gt=0)
    patience: int = Field(default=200, ge=1)
    coordinates: Literal["centers", "edges"] = "centers"
    extent: int = Field(default=1, ge=1, le=1_000_000_000)
    margin: int = Field(default=0, ge=0, le=1_000)

    @classmethod
    def from_profile(cls, profile: str, /, **changes: Any) -> TrainingSpec:
        """Start from a named profile and change what is given (None: unchanged).

        Raises:
            SpecError: an unknown profile or setting, or a value out of range.
        """
        if profile not in PROFILES:
            raise SpecError(f"unknown profile {profile!r}", nearest(profile, PROFILES))
        given = {name: value for name, value in changes.items() if value is not None}
        return parse(cls, PROFILES[profile].model_dump() | given, "training")


PROFILES = {
    "paper": TrainingSpec(),
    "smooth": TrainingSpec(profile="smooth", learning_rate=1e-3, extent=64, margin=1),
}
"""`paper`: Adam 1e-4, (0.9, 0.999), eps 1e-8, full batch, 500 steps, as the paper's code.
`smooth`: for models that are used: fits better, without seams and without noise between the
samples (measured in docs/paper.md)."""


class Axis(Frozen):
    """One axis of a search space: the name of an EnsembleSpec field and the values to try."""

    name: Literal["grid", "depth", "width"]
    values: tuple[int, ...] = Field(min_length=1)

    @field_validator("values")
    @classmethod
    def _distinct_and_sorted(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(values)))


class SearchSpace(Frozen):
    """A base architecture and the axes along which it may change, in the order of the search.

    Attributes:
        only: the combinations to consider, each a value for every axis, in the order of the axes;
            empty: all.
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
                raise ValueError(f"only: {values} is no value for each of {names}")
            if self.only.count(values) > 1:
                raise ValueError(f"only: {values} is named twice; name it once")
        return self

    @model_serializer(mode="wrap")
    def _without_empty_only(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Studies are named after their JSON: those made before there was `only` keep theirs.
        dumped: dict[str, Any] = dump(self)
        if not self.only:
            dumped.pop("only", None)
        return dumped

    @classmethod
    def of(cls, specs: Sequence[EnsembleSpec]) -> Self:
        """The space of just these architectures, which differ in their sizes alone.

        Raises:
            SpecError: none, or they differ in more.
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
        """Find an axis by its name.

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
        """Every architecture of the space, the last axis changing fastest; or `only` these."""
        names = [axis.name for axis in self.axes]
        for values in self.only or itertools.product(*(axis.values for axis in self.axes)):
            spec = self.base.model_dump() | dict(zip(names, values, strict=True))
            yield parse(EnsembleSpec, spec, "search space")


class Limit(Frozen):
    """An upper limit, absolute or per sample of the signal: `1G`, `61035/sample`."""

    value: float = Field(gt=0)
    per_sample: bool = False

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read a limit as a person writes it.

        Raises:
            SpecError: neither a quantity nor a quantity per sample.
        """
        amount, slash, unit = text.partition("/")
        if slash and unit.strip() != "sample":
            raise SpecError(f"{text!r} is not a limit", "write it like 500M, 1G or 60k/sample")
        return cls(value=parse_quantity(amount), per_sample=bool(slash))

    def total(self, samples: int) -> int:
        """The limit for a signal of that many samples."""
        return math.floor(self.value * samples if self.per_sample else self.value)

    def __str__(self) -> str:
        return format_quantity(self.value) + ("/sample" if self.per_sample else "")


PAPER_MAX_FLOPS = Limit(value=61_035, per_sample=True)
"""The paper's F_max = 1 G for 128x128 pixels, per sample, so that it means the same everywhere."""


class Budget(Frozen):
    """Hard limits: an architecture over one of them is never trained."""

    flops: Limit | None = PAPER_MAX_FLOPS
    parameters: Limit | None = None
    bytes: Limit | None = None

    def limits(self, samples: int) -> dict[str, int]:
        """The limits that are set, by the name of the cost, for a signal of that many samples."""
        named = {"flops": self.flops, "parameters": self.parameters, "bytes": self.bytes}
        return {name: limit.total(samples) for name, limit in named.items() if limit}


MAXIMISED = {"psnr": True, "score": True, "flops": False, "parameters": False, "bytes": False}
"""What a study can have as objectives, and whether more of it is better."""


class Choice(Frozen):
    """A plugin chosen by name, with its options as given."""

    name: str
    options: dict[str, JsonValue] = {}


class StudySpec(Frozen):
    """Everything that decides the trials of one search on one signal, and so their results.

    Attributes:
        objective: the score, which decides what is best.
        objectives: what strategies that can weigh several are to improve at once, and what the
            Pareto front is of (see `MAXIMISED`); empty: the score alone.
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
        # Studies are named after their JSON: those made before there were objectives keep theirs.
        dumped: dict[str, Any] = dump(self)
        if not self.objectives:
            dumped.pop("objectives", None)
        return dumped

    def differences(self, other: StudySpec) -> list[str]:
        """List the settings in which another study differs, as `name: ours, not theirs`."""
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
    """One architecture to be trained: all that an executor has to know beside the signal."""

    number: int
    ensemble: EnsembleSpec
    cost: Cost
    training: TrainingSpec
    repeats: int = Field(ge=1)
    seed: int = Field(ge=0)
