"""Many models of one architecture in one file, of which each is read when it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enas_inr.model.archive_file import ArchiveFile
from enas_inr.model.dataset import WeightDataset
from enas_inr.model.file import backbone_of, damaged
from enas_inr.model.header import ModelHeader
from enas_inr.model.model import Model
from enas_inr.model.vectors import in_blocks
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.partition import block_cells


@dataclass(frozen=True, eq=False)
class Archive:
    """An open archive: `archive[name]` is a model, and iterating gives the names.

    Only the bytes of the model that is asked for are read, and checked by its digest. An archive
    can be used in a `with` statement, which closes it; models that were read remain.

    Attributes:
        file: the file and what its models have in common.
        catalog: makes the backbones.
    """

    file: ArchiveFile
    catalog: Catalog

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models, in their order."""
        return self.file.names

    def __len__(self) -> int:
        return len(self.file)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.file

    def __getitem__(self, name: str) -> Model:
        """Read a model.

        Raises:
            ModelError: there is no such model, it is damaged, was written by a newer version, or
                needs a plugin that is not installed.
            PluginError: its backbone comes from a plugin and fails.
        """
        place = self.file.place(name)
        header = self.file.model_header(place)
        what = self.file.what(place)
        backbone = backbone_of(header, self.catalog, what)
        leaves = self.file.leaves(place)
        cells = block_cells(header.signal.shape, header.signal.cells_along(header.ensemble.grid))
        model = Model(header, backbone, in_blocks(leaves, cells))
        _check_leaves(model, self.file, what)
        return model

    def models(self) -> Iterator[tuple[str, Model]]:
        """Read all models, one after the other, with their names; raises as `archive[name]`."""
        return ((name, self[name]) for name in self.names)

    def header(self, name: str) -> ModelHeader:
        """Read everything of a model except its numbers; needs no plugin. Raises ModelError."""
        return self.file.model_header(self.file.place(name))

    def dataset(self) -> WeightDataset:
        """Return the numbers of the models as a data set of vectors for PyTorch."""
        return WeightDataset(self.file)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def open_archive(path: str | Path, *, catalog: Catalog | None = None) -> Archive:
    """Open an archive, without reading its models.

    Args:
        path: the file, as `enas_inr.write_archive` writes it.
        catalog: the plugins; None for all installed ones.

    Raises:
        ModelError: the file is not an archive, is damaged, or was written by a newer version.
        SignalError: the file cannot be read.
    """
    return Archive(ArchiveFile(Path(path)), catalog or load_catalog())


def _check_leaves(model: Model, file: ArchiveFile, what: str) -> None:
    """Refuse numbers that the backbone cannot evaluate.

    Raises:
        ModelError: the leaves are not those of the architecture.
    """
    cost = model.backbone.cost(model.shape)
    # Before anything is drawn, since an architecture that is too large would need much memory.
    fits = cost.parameters + cost.constants == file.header.architecture.numbers
    if not fits or model.architecture != file.header.architecture:
        raise damaged(what, "its numbers do not fit its architecture")
