"""Weights from which the members of a fit start, instead of those that are drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from pydantic import JsonValue
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.errors import ModelError, warn_once
from enas_inr.model.architecture import Architecture
from enas_inr.model.archive import Archive
from enas_inr.model.file import digest_of_leaves
from enas_inr.model.header import StartNote
from enas_inr.model.model import Model
from enas_inr.spec import EnsembleSpec, SignalInfo, TrainingSpec
from enas_inr.validation import counted


@dataclass(frozen=True, eq=False)
class Start:
    """The weights of all members at the first step of a fit.

    Attributes:
        source: where they come from, in words.
        ensemble: the architecture, with the options that it was trained with; if it is the mean of
            the models of an archive, only with the options that all of them have.
        training: how it was trained, which includes the coordinates that the weights are for.
        architecture: what an ensemble must have in common with it.
        leaves: leaves of all cells, `cells ...` in row-major order of the grid, and constants.
        models: number of models of which they are the mean.
        resumed: the signal of the model that is trained further; None if the fit is a new one.
    """

    source: str
    ensemble: EnsembleSpec
    training: TrainingSpec
    architecture: Architecture
    leaves: Params
    models: int = 1
    resumed: SignalInfo | None = None

    @classmethod
    def of_model(cls, model: Model, source: str, *, resumed: bool = False) -> Start:
        """Return the weights of a model, which may be trained further."""
        header = model.header
        signal = header.signal if resumed else None
        leaves = model.by_cell()
        return cls(
            source, header.ensemble, header.training, model.architecture, leaves, resumed=signal
        )

    @classmethod
    def of_archive(cls, archive: Archive) -> Start:
        """Return the mean of the weights of all models of an archive, which are read one by one.

        Raises:
            ModelError, PluginError: as `archive[name]`; two models have other coordinates.
        """
        options: dict[str, JsonValue] = {}
        first: Model | None = None

        def leaves() -> Iterator[Params]:
            nonlocal options, first
            for name, model in archive.models():
                own = model.header
                if first is None:
                    first, options = model, dict(own.ensemble.options)
                elif _coordinates(own.training) != _coordinates(first.header.training):
                    raise ModelError(
                        f"models {archive.names[0]!r} and {name!r} of {str(archive.path)!r} have "
                        "other coordinates in a cell, so that their weights have no mean",
                        "fit them with one profile",
                    )
                known = own.ensemble.options
                options = {k: value for k, value in options.items() if known.get(k) == value}
                yield model.by_cell()

        mean = mean_of(leaves())
        assert first is not None  # an archive has at least one model
        ensemble = first.header.ensemble.model_copy(update={"options": options})
        source = f"the mean of {counted(len(archive), 'model')} of {archive.path}"
        training = first.header.training
        return cls(source, ensemble, training, first.architecture, mean, len(archive))

    @cached_property
    def sha256(self) -> str:
        """Digest of the weights, which is part of the identity of a fit."""
        return digest_of_leaves(self.leaves)

    def check(self, architecture: Architecture, signal: SignalInfo) -> None:
        """Refuse a fit of another architecture, or of another size if a model is trained further.

        A warning is logged if it is trained further on other values.

        Args:
            architecture: that of the fit.
            signal: metadata of the signal that is to be fitted.

        Raises:
            ModelError: the message says in what the two differ.
        """
        self.architecture.check(
            architecture,
            "the fit",
            f"its start ({self.source})",
            "leave out the architecture, or start from another model",
        )
        if self.resumed is None or self.resumed.identity == signal.identity:
            return
        if (self.resumed.shape, self.resumed.sample_rate) != (signal.shape, signal.sample_rate):
            raise ModelError(
                f"signal {signal.name!r} has {_size(signal)}, and {self.source} is a model of "
                f"{_size(self.resumed)}",
                f"give {_as_given(self.resumed)}, or start another fit with --init-from",
            )
        warn_once(f"{self.source} was fitted to other values than those of {signal.name!r}")

    @property
    def note(self) -> StartNote:
        """What the header of a model says of it."""
        return StartNote(source=self.source, models=self.models, sha256=self.sha256)


def _size(signal: SignalInfo) -> str:
    rate = f" at {signal.sample_rate} Hz" if signal.sample_rate else ""
    return f"{'x'.join(map(str, signal.shape))} samples{rate}"


def _as_given(signal: SignalInfo) -> str:
    """Say how a signal gets the size of another one."""
    if signal.modality != "image":
        return "the signal at that size"
    rows, columns = signal.shape
    return f"--size {columns}x{rows}"


def _coordinates(training: TrainingSpec) -> tuple[str, int]:
    return training.coordinates, training.extent


def mean_of(every: Iterable[Params]) -> Params:
    """Return the mean of leaves of equal shapes, of which one is held at a time."""
    total: dict[str, Tensor] = {}
    kinds: dict[str, torch.dtype] = {}
    count = 0
    for leaves in every:
        for name, leaf in leaves.items():
            kinds[name] = leaf.dtype
            # In double precision, so that the order of the models does not matter.
            precise = leaf.to(torch.complex128 if leaf.is_complex() else torch.float64)
            total[name] = total[name] + precise if count else precise
        count += 1
    return {name: (leaf / count).to(kinds[name]) for name, leaf in total.items()}
