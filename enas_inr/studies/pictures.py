"""Pictures in a folder beside the storage's file, where Optuna's dashboard looks for them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from enas_inr.result import Picture
from enas_inr.signals.picture import Pixels, pixels_of, sound_of

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

ATTRIBUTE = "artifacts:"  # the keys under which Optuna notes what was uploaded begin so


@dataclass(frozen=True)
class StoredPicture:
    """A picture in the folder: its file is read and decoded on use, at most once.

    Attributes:
        path: the file, which has no suffix.
        suffix: the suffix that its content would have, with the dot.
        mimetype: as a browser wants to know it.
    """

    path: Path
    suffix: str
    mimetype: str

    @cached_property
    def content(self) -> bytes:
        """The file.

        Raises:
            OSError: it cannot be read.
        """
        return self.path.read_bytes()

    @cached_property
    def pixels(self) -> Pixels | None:
        """The picture decoded; None if it cannot be read, or is not one."""
        try:
            return pixels_of(self.content)
        except OSError:
            return None

    @cached_property
    def sound(self) -> Signal | None:
        """The sound decoded; None if it cannot be read, or is not one."""
        try:
            return sound_of(self.content)
        except OSError:
            return None


def folder_beside(file: Path) -> Path:
    """The folder of a storage's file: `enas-inr.db.artifacts` of `enas-inr.db`."""
    return file.with_name(f"{file.name}.artifacts")


def upload(picture: Picture | StoredPicture, name: str, folder: Path) -> dict[str, Any]:
    """Write a picture into the folder; a stored one is copied from file to file.

    Optuna uploads to what it can still change, but our trials are written once, when they have
    ended. So the upload goes to a trial in memory, and the caller writes its attributes with the
    real one: a process that is killed in between leaves a file that nothing refers to.

    Args:
        picture: new, or stored with another trial.
        name: for people, without a suffix; the file itself gets a unique one.
        folder: made if there is none.

    Returns:
        The system attributes by which Optuna finds it; empty if the file of a stored picture has
        gone.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study()
    with TemporaryDirectory() as temporary:
        path = Path(temporary, f"{name}{picture.suffix}")
        if isinstance(picture, Picture):
            path.write_bytes(picture.content)
        elif picture.path.is_file():
            shutil.copyfile(picture.path, path)
        else:
            return {}
        upload_artifact(
            artifact_store=FileSystemArtifactStore(folder),
            file_path=str(path),
            study_or_trial=study.ask(),
            mimetype=picture.mimetype,
        )
    (trial,) = study.get_trials()
    return trial.system_attrs


def find(attributes: Mapping[str, Any], folder: Path) -> StoredPicture | None:
    """Find the picture that system attributes of a trial or a study name, without reading it.

    Returns:
        The first; None if they name none, or its file has gone.
    """
    for key, text in attributes.items():
        if key.startswith(ATTRIBUTE):
            noted = json.loads(text)
            path = folder / noted["artifact_id"]
            suffix = Path(noted["filename"]).suffix
            return StoredPicture(path, suffix, noted["mimetype"]) if path.is_file() else None
    return None
