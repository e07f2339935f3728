"""The ownership of a study: one process at a time has it.

It is a lock beside the file of the storage, or one in the database server, and ends however its
process ends. It is lost if the file is replaced, or if another process takes the lock while the
server is away.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from enas_inr.errors import StudyError
from enas_inr.studies.database import unpooled
from enas_inr.studies.location import Storage
from enas_inr.studies.locks import HeldError, LockFile
from enas_inr.studies.server_locks import ServerLock


class Ownership:
    """The ownership of one study.

    Args:
        storage: the storage.
        name: name of the study.
    """

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage, self._name = storage, name
        self._lock: LockFile | ServerLock | None = None
        self._file: tuple[int, int] | None = None

    def take_file(self) -> None:
        """Take the lock beside the file of the storage, if it is one; it need not exist yet.

        Raises:
            StudyError: another process owns the study, or the lock file is not a regular file.
            OSError: the lock file cannot be made or opened.
        """
        path = lock_path(self._storage, self._name)
        if path and self._storage.file:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._take(LockFile(path, self._storage.file))

    def take_study(self, number: int) -> None:
        """Take the lock in a server, if the storage is one, now that the study exists.

        Args:
            number: number of the study, since names that a server takes as equal may differ.

        Raises:
            StudyError: another process owns the study.
            SQLAlchemyError: the server does not answer.
        """
        if isinstance(self._lock, LockFile):
            self._lock.share()
        elif not self._storage.is_sqlite:  # which is in memory if it has no file
            self._take(ServerLock(unpooled(self._storage), f"study {number}"))
        self._file = self._identity()

    def ensure(self) -> None:
        """Check whether the study is still ours; take the lock in a server again if it was lost.

        Raises:
            StudyError: the file has gone, or another process has taken the study over.
            SQLAlchemyError: the server does not answer.
        """
        if self.file_has_gone:
            raise StudyError(
                f"storage {self._storage} was deleted or moved during the search",
                "run the same command again to start it anew",
            )
        if isinstance(self._lock, ServerLock):
            try:
                self._lock.ensure()
            except HeldError:
                raise StudyError(
                    f"study {self._name!r} in {self._storage} was taken over by another process "
                    "while the server was away",
                    "wait until that process ends, and run the same command again",
                ) from None

    @property
    def file_has_gone(self) -> bool:
        """Whether the file of the storage was deleted, moved or replaced by another one."""
        return self._identity() != self._file

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._lock:
            self._lock.release()
        self._lock = None

    def _take(self, lock: LockFile | ServerLock) -> None:
        try:
            lock.acquire()
        except HeldError:
            raise StudyError(
                f"study {self._name!r} in {self._storage} is in use by another process",
                "wait until that process ends, or choose another --study",
            ) from None
        self._lock = lock

    def _identity(self) -> tuple[int, int] | None:
        """Return what tells the file of the storage from another one that replaces it."""
        if self._storage.file is None:
            return None
        with suppress(FileNotFoundError, NotADirectoryError):
            found = os.stat(self._storage.file)
            return found.st_dev, found.st_ino
        return None


def lock_path(storage: Storage, name: str) -> Path | None:
    """Return the path of the lock of a study, beside the file of its storage; None without one.

    However a storage is written (relative, absolute, through a link, with another driver), it is
    the same.

    Raises:
        ValueError: no file is named.
    """
    if (file := storage.file) is None:
        return None
    digest = hashlib.sha256(f"{file}|{name}".encode(errors="replace")).hexdigest()[:12]
    return file.with_name(f".{file.name}.{digest}.lock")
