"""Locks of files, which the operating system releases however their process ends."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from enas_inr.errors import StudyError
from enas_inr.studies.sharing import share_like

_POLL_SECONDS = 0.05


class HeldError(Exception):
    """Another process holds the lock."""


class LockFile:
    """A lock that everybody can take who can write what it protects. A context manager.

    The lock file has the mode and the group of the protected file. It is left in place: without it,
    two processes could lock two files of one name. Where it belongs to somebody else and cannot be
    written, it is locked all the same, for which it need only be read.

    Args:
        path: the lock file; its folder exists.
        protected: the file that it protects, which need not exist yet.
        seconds: how long to wait for another process.
    """

    def __init__(self, path: Path, protected: Path, seconds: float = 0.0) -> None:
        self._path, self._protected, self._seconds = path, protected, seconds
        self._number: int | None = None
        self._other: BaseFileLock | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            HeldError: another process holds it, also after the time to wait.
            StudyError: its file is a link, or no file at all.
            OSError: the file cannot be made or opened.
        """
        if sys.platform == "win32":
            self._acquire_other(FileLock(self._path, timeout=self._seconds))
            return
        last = time.monotonic() + self._seconds
        while not self._taken():
            if time.monotonic() >= last:
                raise HeldError
            time.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._other:
            self._other.release()
        if self._number is not None:
            os.close(self._number)
        self._number = self._other = None

    def share(self) -> None:
        """Give the lock file the mode and the group of the protected file, if it is ours."""
        if self._number is not None:
            share_like(self._number, self._protected)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def _taken(self) -> bool:
        """Try to take the lock once."""
        import fcntl

        number = self._opened()
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._is_at_path(number):
                os.close(number)  # whoever made it has removed it meanwhile
                return False
        except OSError as error:
            os.close(number)
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP):
                raise
            # The file system has no locks: a second file is one as long as it exists.
            self._acquire_other(SoftFileLock(f"{self._path}.held", timeout=self._seconds))
            return True
        self._number = number
        self.share()
        return True

    def _opened(self) -> int:
        """Open the lock file, or make it; never follow a link, nor wait for a pipe."""
        flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            try:
                number = os.open(self._path, flags | os.O_RDWR | os.O_CREAT, 0o666)
            except PermissionError:
                if not os.path.lexists(self._path):
                    raise
                number = os.open(self._path, flags | os.O_RDONLY)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise StudyError(
                f"the lock {self._path} is a symbolic link", "remove it, and find out who made it"
            ) from None
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise StudyError(f"the lock {self._path} is not a regular file", "remove it")
        return number

    def _is_at_path(self, number: int) -> bool:
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(number), os.lstat(self._path))
        return False

    def _acquire_other(self, lock: BaseFileLock) -> None:
        try:
            lock.acquire()
        except Timeout:
            raise HeldError from None
        self._other = lock
