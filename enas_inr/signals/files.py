"""Read and replace whole files; errors name the path and the reason."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from enas_inr.errors import SignalError

__all__ = ["check_is_file", "make_folder", "read_bytes", "replace_bytes", "replacing"]


def read_bytes(path: Path) -> bytes:
    """Read a whole file, which must not be empty.

    Raises:
        SignalError: the file is missing, a directory, not readable or empty.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise _cannot("read", path, error) from None
    if not content:
        raise SignalError(f"{str(path)!r} is empty (0 bytes)", "give a file that holds a signal")
    return content


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace a file atomically: readers see either the old content or the new.

    Raises:
        SignalError: the directory is missing or not writable, the disk is full, or `path` is a
            directory.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, which replaces `path` atomically when everything is written.

    After an error, the old file is as it was.

    Raises:
        SignalError: as `replace_bytes`.
    """
    # `tempfile` would make a private file (0600), and the rename would keep it so.
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        opened = temporary.open("wb")
    except (OSError, ValueError) as error:
        raise _cannot("written", path, error) from None
    try:
        try:
            with opened as file:
                yield file
                file.flush()
                os.fsync(file.fileno())  # otherwise a power failure may leave an empty file
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot("written", path, error) from None


def check_is_file(path: Path) -> None:
    """Refuse a path that is missing, not accessible or a directory.

    Raises:
        SignalError: the message names the path and the reason.
    """
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise _cannot("read", path, error) from None
    if path.is_dir():
        raise SignalError(f"{str(path)!r} is a directory", "give a file")


def _cannot(verb: str, path: Path, error: Exception) -> SignalError:
    reason = getattr(error, "strerror", None) or str(error)
    hint = "check the path" if verb == "read" else "check the path and the disk"
    if isinstance(error, PermissionError):
        hint = "check the permissions of the file and its directory"
    return SignalError(f"{str(path)!r} cannot be {verb}: {reason}", hint)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, unless it exists.

    Raises:
        SignalError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SignalError(
            f"folder {folder} cannot be made: {error.strerror}", "choose another"
        ) from None
