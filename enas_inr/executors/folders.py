"""Folders of this user alone: caches, and what is unfinished."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FOLDER_VARIABLE = "ENAS_INR_CACHE"
"""Environment variable with the folder of caches; if it is empty, nothing is kept."""


def cache_folder() -> Path | None:
    """Return the folder of the caches of this user; None if none are to be kept."""
    given = os.environ.get(FOLDER_VARIABLE)
    if given is not None:
        return Path(given) if given else None
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "enas-inr"


def make_private(folder: Path) -> None:
    """Make a folder that only this user can enter, and those above it, if it does not exist.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def is_private(folder: Path) -> bool:
    """Whether a folder is this user's own, is no link, and nobody else can enter it.

    Raises:
        OSError: it does not exist.
    """
    found = folder.lstat()
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return own and not found.st_mode & 0o077
