"""Optuna storages: opening and creating them, and their errors in one line."""

from __future__ import annotations

import inspect
import traceback
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import optuna
import sqlalchemy as sql
from alembic.script import ScriptDirectory
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import SQLAlchemyError

from enas_inr.errors import StudyError, one_line
from enas_inr.studies.database import database_url, engine_settings, unpooled, widen
from enas_inr.studies.location import JOURNAL, Storage
from enas_inr.studies.locks import HeldError, LockFile
from enas_inr.studies.outages import Waiting, message
from enas_inr.studies.pictures import folder_beside
from enas_inr.studies.server_locks import ServerLock
from enas_inr.studies.writing import NO_RECORD
from enas_inr.validation import nearest

_OPENING_SECONDS = 60.0

ResultT = TypeVar("ResultT")


def study_names(storage: str | None) -> list[str]:
    """Return the names of all studies in an existing storage.

    Raises:
        StudyError: the storage does not exist or cannot be used.
    """
    return asked(storage, lambda backend: optuna.get_all_study_names(storage=backend))


def asked(
    storage: str | None, ask: Callable[[optuna.storages.BaseStorage], ResultT], study: str = ""
) -> ResultT:
    """Open an existing storage, and ask it; again if it has answered before and does not now.

    Args:
        storage: the storage.
        ask: asks it; must not explain an error of the storage, after which it is asked again.
        study: name of the study that it is asked about, for messages.

    Raises:
        StudyError: the storage does not exist or cannot be used, or `ask` has raised it.
    """
    place = Storage(storage)
    with explained(place, study):
        return Waiting(place.patience).asked(place, lambda: ask(_opened(place, pooled=False)))


def asked_if_any(
    storage: str | None,
    ask: Callable[[optuna.storages.BaseStorage], ResultT],
    otherwise: ResultT,
    study: str = "",
) -> ResultT:
    """Do the same as `asked`, but return `otherwise` if the storage does not exist."""
    place = Storage(storage)

    def ask_found() -> ResultT:
        backend = _found(place, pooled=False)
        return otherwise if backend is None else ask(backend)

    with explained(place, study):
        return Waiting(place.patience).asked(place, ask_found)


def open_storage(storage: str | None) -> optuna.storages.BaseStorage:
    """Open an existing storage for long, for which it need not be writable.

    Raises:
        StudyError: the storage does not exist or cannot be used.
    """
    place = Storage(storage)
    with explained(place):
        return _opened(place, pooled=True)


def _opened(storage: Storage, *, pooled: bool) -> optuna.storages.BaseStorage:
    if backend := _found(storage, pooled=pooled):
        return backend
    exists = storage.file is None or storage.file.exists()
    raise StudyError(
        f"storage {storage} {'holds no studies yet' if exists else 'does not exist'}",
        "give the --storage of the search",
    )


def _found(storage: Storage, *, pooled: bool) -> optuna.storages.BaseStorage | None:
    """Open a storage if it exists; with `pooled`, connections to a server are kept."""
    if storage.file and not storage.file.exists():
        return None
    if storage.is_journal:
        return _journal(storage)
    return _complete_database(storage, pooled=pooled)


def make_storage(storage: Storage) -> optuna.storages.BaseStorage:
    """Open a storage, or create it. Two processes that do so at once do not create it twice.

    Raises:
        StudyError: another process takes too long to create it.
    """
    if storage.is_journal:
        return _journal(storage)
    if (storage.file is None or storage.file.exists()) and (backend := _complete_database(storage)):
        return backend
    try:
        with _creating(storage):
            backend = _database(storage, create=True)
            widen(backend.engine)
            return backend
    except HeldError:
        raise StudyError(
            f"storage {storage} is being created by another process", "try again"
        ) from None


def study_id(name: str, storage: Storage, backend: optuna.storages.BaseStorage) -> int:
    """Return the number of a study in Optuna.

    Args:
        name: name of the study.
        storage: the storage, for messages.
        backend: the open storage.

    Raises:
        StudyError: there is no such study; the message names the nearest.
    """
    names = optuna.get_all_study_names(storage=backend)
    if name not in names:
        raise StudyError(f"no study {name!r} in {storage}", nearest(name, names))
    return backend.get_study_id_from_name(name)


def artifact_folder(storage: Storage) -> Path | None:
    """Return the folder of the pictures of a storage, or None if it has no file.

    Raises:
        StudyError: the storage cannot be used.
    """
    with explained(storage):
        return folder_beside(storage.file) if storage.file else None


@contextmanager
def _creating(storage: Storage) -> Iterator[None]:
    """Hold the lock of those who create the tables of a storage."""
    if file := storage.file:
        with LockFile(file.with_name(f".{file.name}.lock"), file, _OPENING_SECONDS):
            yield
    elif storage.is_sqlite:  # which is in memory if it has no file
        yield
    else:
        lock = ServerLock(unpooled(storage), "tables")
        lock.acquire(_OPENING_SECONDS)
        try:
            yield
        finally:
            lock.release()


def _journal(storage: Storage) -> optuna.storages.JournalStorage:
    return optuna.storages.JournalStorage(JournalFileBackend(storage.url.removeprefix(JOURNAL)))


def _complete_database(
    storage: Storage, *, pooled: bool = True
) -> optuna.storages.RDBStorage | None:
    """Open a database whose tables are all there; return None otherwise."""
    engine = unpooled(storage)
    if not sql.inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:  # its row is what Optuna writes last
        found = connection.execute(sql.text("SELECT version_num FROM alembic_version")).scalars()
        revisions = found.all()
    if not revisions:
        return None
    current = [*revisions] == [_current_revision()]
    return _database(storage, create=False, pooled=pooled, check=not current)


@cache
def _current_revision() -> str | None:
    """Return the revision of the tables of this Optuna, which takes as long as the rest of opening.

    None if it is not where it used to be; then Optuna checks each storage itself.
    """
    folder = Path(inspect.getfile(optuna.storages.RDBStorage)).parent / "alembic"
    return ScriptDirectory(str(folder)).get_current_head() if folder.is_dir() else None


def _database(
    storage: Storage, *, create: bool, pooled: bool = True, check: bool = True
) -> optuna.storages.RDBStorage:
    url = database_url(storage)
    settings = engine_settings(url)
    if not (pooled or storage.is_sqlite):
        settings["poolclass"] = sql.NullPool
    text = url.render_as_string(hide_password=False)
    backend = optuna.storages.RDBStorage(
        text.replace("{", "{{").replace("}", "}}"),  # Optuna formats it
        engine_kwargs=settings,
        skip_table_creation=not create,
        skip_compatibility_check=not check,
    )
    weakref.finalize(backend, backend.engine.dispose)  # its pool keeps connections open
    return backend


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
def explained(storage: Storage, study: str = "") -> Iterator[None]:
    """Keep Optuna quiet, and say in one line what a storage complains about."""
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    except (LookupError, TypeError, AttributeError, AssertionError) as e:
        if e.args == (NO_RECORD,):
            raise StudyError(
                f"study {study!r} in {storage} was deleted meanwhile", "run the search again"
            ) from None
        if not _within(optuna, e):
            raise
        raise StudyError(
            f"storage {storage} is damaged: {storage.hide(one_line(e))}", "choose another --storage"
        ) from None
    except (
        SQLAlchemyError,
        optuna.exceptions.OptunaError,
        OSError,
        ImportError,
        ValueError,
        RuntimeError,  # a schema of another Optuna; a file system without locks
    ) as e:
        cause = getattr(e.__cause__, "orig", None) or getattr(e, "orig", None) or e
        hint = "give a writable one, such as --storage sqlite:///enas-inr.db"
        if not (storage.is_sqlite or storage.is_journal):
            hint = "check that its server runs, and that user, password and database are right"
        # The cause of an error shows in a traceback, and might have the password.
        raise StudyError(
            f"storage {storage} cannot be used: {storage.hide(message(cause))}", hint
        ) from (None if storage.has_password else e)


def _within(package: ModuleType, error: BaseException) -> bool:
    """Whether an error was raised in the code of a package."""
    frames = traceback.extract_tb(error.__traceback__)
    folder = Path(str(package.__file__)).parent
    return bool(frames) and Path(frames[-1].filename).is_relative_to(folder)
