"""Pictures in a folder beside the file of a storage, where optuna-dashboard finds them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from enas_inr.plain_text import read_json
from enas_inr.result import Picture
from enas_inr.signals.previews import Pixels, pixels_of, sound_of
from enas_inr.studies.sharing import share_like

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

SUFFIX = ".artifacts"
ATTRIBUTE = "artifacts:"  # prefix of the keys under which Optuna notes uploads


@dataclass(frozen=True)
class StoredPicture:
    """A picture in the folder, whose file is read and decoded at most once, when it is needed.

    Attributes:
        path: the file, which has no suffix.
        suffix: the suffix that its content would have, with the dot.
        mimetype: MIME type of its content.
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
    def decoded(self) -> Pixels | Signal | None:
        """The picture or the sound; None if the file cannot be read or is neither."""
        decode = sound_of if self.mimetype.startswith("audio/") else pixels_of
        try:
            return decode(self.content)
        except OSError:
            return None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the decoded values."""
        values: Any = getattr(self.decoded, "values", self.decoded)
        return None if values is None else tuple(values.shape)


def folder_beside(file: Path) -> Path:
    """Return the folder of a storage: `enas-inr.db.artifacts` for the file `enas-inr.db`."""
    return file.with_name(file.name + SUFFIX)


def upload(picture: Picture | StoredPicture, name: str, folder: Path) -> dict[str, Any]:
    """Write a picture into the folder; a stored one is copied from file to file.

    Optuna uploads only to trials that it can still change, but trials here are written once, when
    they have ended. The upload therefore goes to a trial in memory, whose attributes the caller
    writes with the real one. A process that is killed in between leaves an unused file.

    Args:
        picture: a new picture, or one that is stored with another trial.
        name: name for people, without a suffix; the file itself gets a unique name.
        folder: folder, which is made if it does not exist.

    Returns:
        The system attributes by which Optuna finds it; empty if the file of a stored picture has
        gone.

    Raises:
        OSError: the folder cannot be written.
    """
    make_folder(folder)
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


def make_folder(folder: Path) -> None:
    """Make the folder, in which everybody can write who can write the file of the storage."""
    with suppress(FileExistsError):
        folder.mkdir(parents=True)
        share_like(folder, folder.with_name(folder.name.removesuffix(SUFFIX)))


def originals_in(attributes: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Return the attributes of a study that refer to the pictures of its signals, by number."""
    found: dict[int, dict[str, Any]] = {}
    for key, text in attributes.items():
        if noted := _noted(key, text):
            _, _, number = Path(noted["filename"]).stem.partition("-")
            if not number or number.isdecimal():
                found[int(number or 0)] = {key: text}
    return found


def find(attributes: Mapping[str, Any], folder: Path) -> StoredPicture | None:
    """Find the picture that the system attributes of a trial or study refer to.

    Returns:
        The first picture, not read yet; None if there is none or its file is missing.
    """
    for key, text in attributes.items():
        if noted := _noted(key, text):
            path = folder / noted["artifact_id"]
            suffix = Path(noted["filename"]).suffix
            return StoredPicture(path, suffix, noted["mimetype"]) if path.is_file() else None
    return None


def _noted(key: str, text: object) -> dict[str, str] | None:
    """Return what an attribute says of a picture; None if it says nothing that can be used.

    It is null after a picture was deleted in a dashboard. Whoever can write to a storage must not
    make a report read a file outside the folder of the pictures.
    """
    if not key.startswith(ATTRIBUTE) or not isinstance(text, str):
        return None
    try:
        noted = read_json(text)
        usable = all(isinstance(noted[name], str) for name in _NOTED)
    except (ValueError, TypeError, KeyError):
        return None
    inside = usable and bool(_FILE_NAME.fullmatch(noted["artifact_id"]))
    return noted if inside and _MIMETYPE.fullmatch(noted["mimetype"]) else None


_NOTED = ("artifact_id", "filename", "mimetype")
_FILE_NAME = re.compile(r"[\w-][\w.-]*", re.ASCII)
_MIMETYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
