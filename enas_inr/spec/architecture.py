"""Metadata of a signal, an architecture, and its cost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, JsonValue, field_validator

from enas_inr.spec.recipe import TrainingSpec
from enas_inr.validation import Frozen, Lasting

__all__ = ["Cost", "EnsembleSpec", "Options", "Searchable", "SignalInfo"]

AXIS_LETTERS: Mapping[str, str] = MappingProxyType({"grid": "M", "depth": "d", "width": "w"})
"""The letters of the sizes of an architecture, as in the paper."""


MOST_SAMPLES, MOST_AXES, MOST_CHANNELS, MOST_RATE = 2**48, 8, 2**16, 2**40
"""More than any signal has."""


class SignalInfo(Frozen):
    """The metadata of a signal.

    Attributes:
        shape: samples along each spatial axis (image: rows, columns; audio: frames).
        sample_rate: samples per second along a time axis, if there is one.
        fingerprint: SHA-256 of the values, by which a study recognises its signal.
    """

    name: str
    modality: str
    shape: tuple[Annotated[int, Field(ge=1, le=MOST_SAMPLES)], ...] = Field(
        min_length=1, max_length=MOST_AXES
    )
    channels: int = Field(ge=1, le=MOST_CHANNELS)
    sample_rate: int | None = Field(default=None, ge=1, le=MOST_RATE)
    fingerprint: str = ""

    @field_validator("shape")
    @classmethod
    def _countable(cls, shape: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(shape) > MOST_SAMPLES:
            raise ValueError(f"more than {MOST_SAMPLES} samples")
        return shape

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
    def kind(self) -> tuple[tuple[int, ...], int, int | None]:
        """Equal for signals for which options and costs of an architecture are equal."""
        return self.shape, self.channels, self.sample_rate

    @property
    def samples(self) -> int:
        """The number of samples, such as pixels or frames, without counting channels."""
        return math.prod(self.shape)

    def cells_along(self, grid: int) -> tuple[int, ...]:
        """Return the number of cells along each axis: `grid`, or one a sample on a shorter axis."""
        return tuple(min(grid, length) for length in self.shape)

    def cells(self, grid: int) -> int:
        """Return the number of cells of a grid."""
        return math.prod(self.cells_along(grid))

    def capped(self, grid: int) -> int:
        """Return the smallest grid with the same cells: at most the samples of the longest axis."""
        return min(grid, max(self.shape))


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

    def sized(self, signal: SignalInfo, architecture: EnsembleSpec, training: TrainingSpec) -> Self:
        """Fill in options before `fitted` by values that fit the size of a network as well.

        By default none. Called for the options of a backbone only.
        """
        return self


@dataclass(frozen=True)
class Searchable:
    """Marks an option that a search may vary: `Annotated[float, Searchable("10..60:log")]`.

    Attributes:
        values: sensible values, as for `--search`: with commas, or a range.
    """

    values: str


class EnsembleSpec(Lasting):
    """One architecture: a backbone, its options, and the three sizes of the paper.

    Attributes:
        grid: M, the number of cells along each spatial axis; an axis with fewer samples has one
            cell a sample (`SignalInfo.cells_along`).
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
        return self._key

    @cached_property
    def _key(self) -> str:
        return json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))

    def label(self) -> str:
        """Return a short name for people: `siren M=8 d=1 w=128`."""
        return f"{self.backbone} {self.short_label()}"

    def short_label(self, axes: Iterable[str] = AXIS_LETTERS) -> str:
        """Return the sizes on these axes alone: `M=8 w=128`."""
        pairs = ((AXIS_LETTERS.get(axis, axis), self.value(axis)) for axis in axes)
        return " ".join(f"{name}={value}" for name, value in pairs if value is not None)

    def value(self, axis: str) -> Any:
        """Return the value on an axis."""
        return getattr(self, axis)

    def sizes(self) -> dict[str, int]:
        """Return the grid, the depth and the width by name."""
        return {axis: getattr(self, axis) for axis in AXIS_LETTERS}

    def with_value(self, axis: str, value: int) -> Self:
        """Return the architecture with another value on one axis."""
        return self.model_copy(update={axis: value})


class Cost(Lasting):
    """The cost of an ensemble, which is known without training it.

    Attributes:
        flops: FLOPs of one evaluation of the whole signal, in the paper's convention (see
            `enas_inr.cost`).
        parameters: number of trained parameters of all cells.
        bytes: size of all stored numbers (parameters and constants) as float32.
        file_bytes: size of the model file at the precision of the budget; 0 if nobody asked.
        latency: seconds to render the signal on the device of the search; 0 if nobody asked.
        memory: bytes that rendering the signal takes, for its numbers, the values and what is
            between them; 0 if nobody asked.
    """

    later: ClassVar[tuple[str, ...]] = ("file_bytes", "latency", "memory")

    flops: int
    parameters: int
    bytes: int
    file_bytes: int = 0
    latency: float = 0.0
    memory: int = 0
