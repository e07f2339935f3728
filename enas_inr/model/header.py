"""What a model file says about itself: JSON, so that other programs can read it."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from enas_inr.spec import EnsembleSpec, SignalInfo, TrainingSpec
from enas_inr.validation import Frozen

FORMAT_VERSION = 1

Precision = Literal["float32", "float16", "int8"]


class ModelHeader(Frozen):
    """Everything of a model but its numbers.

    Attributes:
        ensemble: the architecture, its options settled.
        signal: what was fitted: modality, samples along each axis, channels, sample rate.
        meta: what the modality needs to write the original format.
        value_range: what the smallest and largest value of the format stand for.
        training: the settings, among them the coordinate convention of the cells.
        seed: of the member draws; `repeat` is the one that was kept.
        precision: how the numbers are stored.
        metrics: what was measured when the model was fitted or last written.
        versions: of the packages that fitted it.
        backbone_from: the distribution that provides the backbone, and its version.
    """

    format_version: int = FORMAT_VERSION
    ensemble: EnsembleSpec
    signal: SignalInfo
    meta: dict[str, JsonValue] = {}
    value_range: tuple[float, float] = (-1.0, 1.0)
    training: TrainingSpec
    seed: int
    repeat: int = 0
    precision: Precision = "float32"
    metrics: dict[str, JsonValue] = {}
    versions: dict[str, str] = {}
    backbone_from: tuple[str, str] = ("enas-inr", "")
