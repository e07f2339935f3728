"""The header of a model file, which is JSON so that other programs can read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, JsonValue, field_validator

from enas_inr.spec import EnsembleSpec, SignalInfo, TrainingSpec
from enas_inr.spec.budget import Precision as Precision
from enas_inr.validation import Frozen, Lasting

FORMAT_VERSION = 2
"""The newest version; only the header of a model with a start of its own, or with leaves of other
precisions, has it."""

MOST_SEED = 2**64 - 1

LeafPrecision = Literal["float32", "int16", "float16", "int8"]
"""How the numbers of one leaf are stored."""


NUMBERS = {
    "psnr_db", "psnr_paper_db", "psnr_db_float32", "ssim", "border_psnr_db", "interior_psnr_db",
    "target_psnr_db",
}  # fmt: skip
"""Metrics that are numbers, or null."""

LARGEST_NUMBER = 1e15

COUNTS = {"steps", "repeats", "diverged_at"}
"""Metrics that are counts."""


class StartNote(Frozen):
    """The weights from which a model was trained.

    Attributes:
        source: where they come from, in words.
        models: number of models of which they are the mean.
        sha256: digest of the weights.
    """

    source: str
    models: int = Field(default=1, ge=1)
    sha256: str


class ModelHeader(Lasting):
    """Everything in a model except its numbers.

    Attributes:
        ensemble: the architecture with all options filled in.
        signal: the fitted signal: modality, samples along each axis, channels, sample rate.
        meta: what the modality needs to write the original format.
        value_range: meaning of the smallest and the largest value of the format.
        training: the training settings, including the coordinate convention of the cells.
        seed: random seed of the initialisation.
        repeat: index of the repeat that was kept.
        precision: how the numbers are stored.
        leaf_precisions: the leaves that are stored in another way, since their rounding would cost
            too much.
        metrics: measurements from when the model was fitted or last written.
        versions: versions of the packages with which it was fitted.
        backbone_from: the distribution that provides the backbone, and its version.
        start: the weights from which the members started; None if they were drawn.
    """

    later: ClassVar[tuple[str, ...]] = ("start", "leaf_precisions")

    format_version: int = Field(default=1, ge=1)
    ensemble: EnsembleSpec
    signal: SignalInfo
    meta: dict[str, JsonValue] = {}
    value_range: tuple[float, float] = (-1.0, 1.0)
    training: TrainingSpec
    seed: int = Field(ge=0, le=MOST_SEED)
    repeat: int = Field(default=0, ge=0, le=MOST_SEED)
    precision: Precision = "float32"
    leaf_precisions: dict[str, LeafPrecision] = {}
    metrics: dict[str, JsonValue] = {}
    versions: dict[str, str] = {}
    backbone_from: tuple[str, str] = ("enas-inr", "")
    start: StartNote | None = None

    @field_validator("metrics")
    @classmethod
    def _are_numbers(cls, metrics: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in NUMBERS & metrics.keys():
            value = metrics[name]
            known = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (known and abs(float(str(value))) < LARGEST_NUMBER):
                raise ValueError(f"{name} is not a number that it can be")
        for name in COUNTS & metrics.keys():
            value = metrics[name]
            known = isinstance(value, int) and not isinstance(value, bool)
            if not (known and 0 <= int(str(value)) < LARGEST_NUMBER):
                raise ValueError(f"{name} is not a count")
        return metrics

    def problem(self) -> str:
        """Say what cannot be in the header of a file although each field is valid, if anything."""
        if self.training.learning_rate is None:
            return "its header has no learning rate"
        if self.value_range[0] >= self.value_range[1]:
            return f"the range of its values is {self.value_range}"
        return ""

    def stored_as(
        self, precision: Precision, leaf_precisions: Mapping[str, LeafPrecision] | None = None
    ) -> ModelHeader:
        """Return the header of the same model with its numbers stored in another way."""
        finer = dict(leaf_precisions or {})
        return self.model_copy(
            update={
                "precision": precision,
                "leaf_precisions": finer,
                # Programs of version 1 do not know them, and should say that they are too old.
                "format_version": 2 if finer or self.start else 1,
            }
        )
