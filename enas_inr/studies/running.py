"""Find the studies that a search is working on, without disturbing it.

A search holds the lock of its study. To try a lock could make a search that begins at that moment
believe that another one owns the study, so the kernel's list is read instead, which Linux has.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from enas_inr.errors import StudyError
from enas_inr.studies.location import Storage
from enas_inr.studies.ownership import lock_path
from enas_inr.studies.storage import study_names

_LOCKS = Path("/proc/locks")
_SQLITE_HEADER = b"SQLite format 3\0"


def running_studies(storage: str | None) -> list[str]:
    """Return the studies of an existing storage in a file that are being searched on this machine.

    Raises:
        StudyError: the storage does not exist or cannot be used.
    """
    place, held = Storage(storage), _held()
    return [name for name in study_names(place) if _inode(lock_path(place, name)) in held]


def default_storage(folder: Path) -> Storage:
    """Return the storage to show if none is given.

    It is the usual one if that exists or is no file; otherwise that in the folder in which a search
    is running, or the one that was written last.

    Args:
        folder: where to look for other files.
    """
    usual = Storage(None)
    if usual.file is None or usual.file.exists():
        return usual
    found = sorted(_databases(folder), key=lambda path: path.stat().st_mtime, reverse=True)
    usable = [(path, running) for path in found if (running := _running_in(path)) is not None]
    usable.sort(key=lambda pair: not pair[1])  # stable: the last written first among equals
    return Storage(usable[0][0]) if usable else usual


def _running_in(path: Path) -> list[str] | None:
    with suppress(StudyError):
        return running_studies(str(path))
    return None


def _databases(folder: Path) -> Iterator[Path]:
    for path in folder.glob("*.db"):
        with suppress(OSError), path.open("rb") as file:
            if file.read(len(_SQLITE_HEADER)) == _SQLITE_HEADER:
                yield path


def _held() -> set[int]:
    """Return the numbers (inodes) of the files that a process has locked as a whole."""
    with suppress(OSError):
        fields = [line.split() for line in _LOCKS.read_text().splitlines()]
        return {
            int(of[5].rpartition(":")[2])
            for of in fields
            if len(of) > 5 and of[1] == "FLOCK" and of[3] == "WRITE"
        }
    return set()


def _inode(path: Path | None) -> int | None:
    if path is not None:
        with suppress(OSError):
            return os.stat(path).st_ino
    return None
