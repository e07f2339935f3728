"""Pictures in a folder beside the storage's file, where Optuna's dashboard looks for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from enas_inr.result import Picture

ATTRIBUTE = "artifacts:"  # the keys under which Optuna notes what was uploaded begin so


def folder_beside(file: Path) -> Path:
    """The folder of a storage's file: `enas-inr.db.artifacts` of `enas-inr.db`."""
    return file.with_name(f"{file.name}.artifacts")


def upload(picture: Picture, name: str, folder: Path) -> dict[str, Any]:
    """Write a picture into the folder.

    Optuna uploads to what it can still change, but our trials are written once, when they have
    ended. So the upload goes to a trial in memory, and the caller writes its attributes with the
    real one: a process that is killed in between leaves a file that nothing refers to.

    Args:
        picture: the file.
        name: for people, without a suffix; the file itself gets a unique one.
        folder: made if there is none.

    Returns:
        The system attributes by which Optuna finds it.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study()
    with TemporaryDirectory() as temporary:
        path = Path(temporary, f"{name}{picture.suffix}")
        path.write_bytes(picture.content)
        upload_artifact(
            artifact_store=FileSystemArtifactStore(folder),
            file_path=str(path),
            study_or_trial=study.ask(),
            mimetype=picture.mimetype,
        )
    (trial,) = study.get_trials()
    return trial.system_attrs


def find(attributes: Mapping[str, Any], folder: Path) -> Picture | None:
    """Read the picture that system attributes of a trial or a study name.

    Returns:
        The first; None if they name none, or its file is gone.
    """
    for key, text in attributes.items():
        if key.startswith(ATTRIBUTE):
            noted = json.loads(text)
            try:
                content = folder.joinpath(noted["artifact_id"]).read_bytes()
            except OSError:
                return None
            return Picture(Path(noted["filename"]).suffix, noted["mimetype"], content)
    return None
