"""The files that a function of the API reads and writes, to be checked before its work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.errors import SignalError
from enas_inr.signals.files import STANDARD, is_stream
from enas_inr.signals.outputs import Output, file_name

if TYPE_CHECKING:
    from enas_inr.studies.location import Storage


def inputs_of(*sources: object, storage: Storage | None = None) -> list[Path]:
    """Return the paths among some sources, and the file of a storage.

    Args:
        sources: paths, samples such as `sample:photo`, Signals, or None.
        storage: the storage that is read or written, if there is one.

    Raises:
        StudyError: the storage cannot be used.
    """
    paths = [Path(source) for source in sources if isinstance(source, (str, Path))]
    if storage is not None:
        from enas_inr.studies.storage import explained

        with explained(storage):
            paths += [storage.file] if storage.file else []
    return paths


def model_output(output: str | Path | None, name: str) -> Path:
    """Return the path of a model file; by default the name of its signal in this folder.

    Raises:
        SignalError: the path is that of a folder.
    """
    from enas_inr.model.file import SUFFIX

    if output is None:
        return Path(file_name(name, SUFFIX))
    if str(output).endswith(("/", os.sep)):
        raise SignalError(f"{str(output)!r} is the name of a folder", "give the name of a file")
    return Path(output)


def fit_outputs(path: Path, preview: str | Path | None) -> list[Output]:
    """Return the files that a fit writes."""
    from enas_inr.model.file import SUFFIX

    outputs = [Output(path, "a model", (SUFFIX,))]
    if preview is not None:
        from enas_inr.reports.preview import SUFFIXES

        outputs.append(Output(Path(preview), "a preview", SUFFIXES))
    return outputs


def checkpoint_beside(path: Path, name: str) -> Path:
    """Return the checkpoint of a model; of one that goes into a stream, in this folder."""
    from enas_inr.model.fit_checkpoint import checkpoint_of

    return checkpoint_of(model_output(None, name) if is_stream(path) else path)


def is_standard(output: str | Path | None) -> bool:
    """Whether an output is `-`, the standard output."""
    return output is not None and Path(output) == STANDARD
