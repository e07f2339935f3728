"""Optuna storages: URLs and files, opening and locking, errors in one line."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from enas_inr.errors import StudyError
from enas_inr.studies.pictures import folder_beside
from enas_inr.validation import nearest

SQLITE = "sqlite:///"
JOURNAL = "journal:"
_OPENING_SECONDS = 60.0


def storage_url(text: str) -> str:
    """Complete a URL as users write it: `runs.db` means `sqlite:///runs.db`."""
    return text if ":" in text else SQLITE + text


def study_names(storage: str) -> list[str]:
    """Return the names of all studies in an existing storage.

    Raises:
        StudyError: the storage does not exist or cannot be used.
    """
    backend = open_storage(storage)
    with explained(storage_url(storage)):
        return optuna.get_all_study_names(storage=backend)


def open_storage(storage: str) -> optuna.storages.BaseStorage:
    """Open an existing storage.

    Raises:
        StudyError: the storage does not exist or cannot be used.
    """
    url = storage_url(storage)
    with explained(url):
        file = file_of(url)
        if file and not file.exists():
            raise StudyError(f"storage {url} does not exist", "give the --storage of the search")
        return open_url(url)


def study_id(name: str, storage: str, backend: optuna.storages.BaseStorage) -> int:
    """Return the number of a study in Optuna.

    Args:
        name: name of the study.
        storage: name of the storage in messages.
        backend: the open storage.

    Raises:
        StudyError: there is no such study; the message names the nearest.
    """
    url = storage_url(storage)
    with explained(url):
        names = optuna.get_all_study_names(storage=backend)
        if name not in names:
            raise StudyError(f"no study {name!r} in {url}", nearest(name, names))
        return backend.get_study_id_from_name(name)


def artifact_folder(storage: str) -> Path | None:
    """Return the folder of the pictures of a storage, or None if it has no file.

    Raises:
        StudyError: the storage cannot be used.
    """
    url = storage_url(storage)
    with explained(url):
        file = file_of(url)
    return folder_beside(file) if file else None


def open_url(url: str) -> optuna.storages.BaseStorage:
    """Open a storage, or create it."""
    if url.startswith(JOURNAL):
        backend = JournalFileBackend(url.removeprefix(JOURNAL))
        return optuna.storages.JournalStorage(backend)
    file = file_of(url)
    if file is None or not os.access(file.parent, os.W_OK):
        return optuna.storages.RDBStorage(url)
    # Two processes that create the same file at once would create its tables twice.
    with FileLock(file.with_name(f".{file.name}.lock"), timeout=_OPENING_SECONDS):
        return optuna.storages.RDBStorage(url)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna quiet."""
    level = optuna.logging.get_verbosity()
    if level == optuna.logging.ERROR:
        yield
        return
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # clears a cache of all loggers
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Keep Optuna quiet, and say in one line what a storage complains about."""
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    except (
        SQLAlchemyError,
        optuna.exceptions.OptunaError,
        OSError,
        ImportError,
        ValueError,
        RuntimeError,  # a schema of another Optuna; a file system without locks
    ) as e:
        cause = getattr(e.__cause__, "orig", None) or getattr(e, "orig", None) or e
        raise StudyError(
            f"storage {url} cannot be used: {cause}",
            "give a writable one, such as --storage sqlite:///enas-inr.db",
        ) from e


def lock_path(url: str, name: str) -> Path:
    """Beside the file of the storage, where all its users can write; else in the temp folder.

    However a storage is written (relative, absolute, through a link, with another driver), its
    lock is the same. A server's lock holds on this machine only.

    Raises:
        ValueError: no file is named.
    """
    file = file_of(url)
    digest = hashlib.sha256(f"{file or _server(url)}|{name}".encode(errors="replace"))
    lock = f"{digest.hexdigest()[:12]}.lock"
    if file:
        return file.with_name(f".{file.name}.{lock}")
    return Path(tempfile.gettempdir()) / f"enas-inr.{lock}"


def file_of(url: str) -> Path | None:
    """The file of a storage, without links; None if it has none (a server, or memory)."""
    if url.startswith(JOURNAL):
        name = url.removeprefix(JOURNAL)
    elif url.startswith("sqlite"):
        name = make_url(url).database or ""
    else:
        return None
    if not name:
        raise ValueError("no file is named")
    return None if name == ":memory:" else Path(os.path.realpath(name))


def _server(url: str) -> str:
    """A server's database, whoever asks for it."""
    parsed = make_url(url)
    return f"{parsed.get_backend_name()}|{parsed.host}|{parsed.port}|{parsed.database}"
