"""What the observer `tensorboard` uses of TensorBoard; imported with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

Settings = Mapping[str, str | bool | int | float]


class Run:
    """The event file of one run.

    Args:
        folder: its folder, which is made.
    """

    def __init__(self, folder: Path) -> None:
        self._writer = SummaryWriter(folder)

    def scalars(self, numbers: Mapping[str, float], step: int) -> None:
        """Write numbers by name at a step."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def text(self, name: str, text: str) -> None:
        """Write text, as Markdown."""
        self._writer.add_text(name, text)

    def hparams(self, settings: Settings, numbers: Mapping[str, float], step: int) -> None:
        """Write settings and results for the table of the tab HPARAMS.

        They go to this run; `SummaryWriter.add_hparams` would make another one.
        """
        for summary in hparams(dict(settings), dict(numbers)):  # type: ignore[no-untyped-call]
            file = self._writer.file_writer
            assert file is not None  # before it is closed
            file.add_summary(summary)
        self.scalars(numbers, step)

    def flush(self) -> None:
        """Write what is held back."""
        self._writer.flush()

    def close(self) -> None:
        """Write everything, and close the file."""
        self._writer.close()
