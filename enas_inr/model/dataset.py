"""The numbers of many models as a data set of PyTorch, for those who learn on weights."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from enas_inr.model.archive_file import ArchiveFile
from enas_inr.model.header import ModelHeader
from enas_inr.model.vectors import to_vector


class WeightDataset(Dataset[dict[str, Any]]):
    """The models of an archive as vectors of equal length, in the order of the archive.

    An item is a dictionary that `torch.utils.data.default_collate` can make a batch of:

    - `weights`: all numbers of the model, float32, in the order of `enas_inr.Model.vector`
    - `index`: number of the model in the archive
    - `name`: its name
    - `psnr_db`: its PSNR when it was fitted, NaN if that is not known
    - `shape`: samples of its signal along each axis, int64

    Everything else is in `header(index)`. The data set reads from the memory-mapped file, needs no
    plugin, and can be sent to the workers of a `DataLoader`, however they are started.

    Args:
        file: the archive.
    """

    def __init__(self, file: ArchiveFile) -> None:
        self.file = file

    def __len__(self) -> int:
        return len(self.file)

    @property
    def cells(self) -> int:
        """The number of cells of a model; `weights.reshape(cells, -1)` has a row for each."""
        return self.file.header.architecture.cells

    @property
    def numbers(self) -> int:
        """The length of a vector."""
        return self.cells * self.file.header.architecture.numbers

    @property
    def parts(self) -> dict[str, slice]:
        """Where each leaf is in the row of a cell."""
        found, start = {}, 0
        for leaf in self.file.header.architecture.leaves:
            found[leaf.name] = slice(start, start + leaf.numbers)
            start += leaf.numbers
        return found

    def header(self, index: int) -> ModelHeader:
        """Read everything of a model except its numbers; raises as indexing."""
        return self.file.model_header(self._place(index))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Read a model.

        Raises:
            IndexError: there is no such number.
            ModelError: the model is damaged, or the archive is closed.
        """
        place = self._place(index)
        header = self.file.model_header(place)
        psnr = header.metrics.get("psnr_db")
        return {
            "weights": self._weights(place),
            "index": place,
            "name": self.file.names[place],
            "psnr_db": float(psnr) if isinstance(psnr, (int, float)) else float("nan"),
            "shape": torch.tensor(header.signal.shape),
        }

    def _weights(self, place: int) -> Float[Tensor, " numbers"]:
        return to_vector(self.file.leaves(place))

    def _place(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{index} is not one of {len(self)} models")
        return index % len(self)
