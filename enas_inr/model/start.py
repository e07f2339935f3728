"""Weights from which the members of a fit start, instead of those that are drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from enas_inr.backbones.base import Params
from enas_inr.errors import ModelError
from enas_inr.model.architecture import Architecture
from enas_inr.model.archive import Archive
from enas_inr.model.file import digest_of
from enas_inr.model.header import StartNote
from enas_inr.model.model import Model
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.validation import counted


@dataclass(frozen=True, eq=False)
class Start:
    """The weights of all members at the first step of a fit.

    Attributes:
        source: where they come from, in words.
        ensemble: the architecture, with the options that it was trained with. Of the models of an
            archive, only the options that all of them have.
        training: how it was trained, which includes the coordinates that the weights are for.
        architecture: what an ensemble must have in common with it.
        leaves: leaves of all cells, `cells ...` in row-major order of the grid, and constants.
        models: number of models of which they are the mean.
    """

    source: str
    ensemble: EnsembleSpec
    training: TrainingSpec
    architecture: Architecture
    leaves: Params
    models: int = 1

    @classmethod
    def of_model(cls, model: Model, source: str) -> Start:
        """Return the weights of a model."""
        header = model.header
        return cls(source, header.ensemble, header.training, model.architecture, model.by_cell())

    @classmethod
    def of_archive(cls, archive: Archive) -> Start:
        """Return the mean of the weights of all models of an archive, which are read one by one.

        Raises:
            ModelError, PluginError: as `archive[name]`; two models have other coordinates.
        """
        total: Params = {}
        options: dict[str, object] | None = None
        first: Model | None = None
        for name, model in archive.models():
            if first and _coordinates(model.header.training) != _coordinates(first.header.training):
                raise ModelError(
                    f"models {archive.names[0]!r} and {name!r} of {str(archive.path)!r} have other "
                    "coordinates in a cell, so that their weights have no mean",
                    "fit them with one profile",
                )
            leaves = {leaf: _precise(values) for leaf, values in model.by_cell().items()}
            total = {leaf: total[leaf] + part for leaf, part in leaves.items()} if first else leaves
            own = model.header.ensemble.options
            known = own if options is None else options
            options = {key: value for key, value in known.items() if own.get(key) == value}
            first = first or model
        assert first is not None  # an archive has at least one model
        mean = {
            name: (leaf / len(archive)).to(first.blocks[0][name].dtype)
            for name, leaf in total.items()
        }
        ensemble = first.header.ensemble.model_copy(update={"options": options})
        source = f"the mean of {counted(len(archive), 'model')} of {archive.path}"
        training = first.header.training
        return cls(source, ensemble, training, first.architecture, mean, len(archive))

    @cached_property
    def sha256(self) -> str:
        """Digest of the weights, which is part of the identity of a fit."""
        stored = {
            name: torch.view_as_real(leaf) if leaf.is_complex() else leaf
            for name, leaf in self.leaves.items()
        }
        return bytes(digest_of("", stored).tolist()).hex()

    def check(self, architecture: Architecture) -> None:
        """Refuse a fit of another architecture.

        Raises:
            ModelError: the message says in what the two differ.
        """
        self.architecture.check(
            architecture,
            "the fit",
            f"its start ({self.source})",
            "leave out the architecture, or start from another model",
        )

    @property
    def note(self) -> StartNote:
        """What the header of a model says of it."""
        return StartNote(source=self.source, models=self.models, sha256=self.sha256)


def _coordinates(training: TrainingSpec) -> tuple[str, int]:
    return training.coordinates, training.extent


def _precise(leaf: torch.Tensor) -> torch.Tensor:
    return leaf.to(torch.complex128 if leaf.is_complex() else torch.float64)
