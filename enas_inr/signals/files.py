"""Read and replace whole files, with errors that name the path and the reason."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from enas_inr.errors import SignalError

__all__ = ["check_is_file", "make_folder", "read_bytes", "replace_bytes"]


def read_bytes(path: Path) -> bytes:
    """Read a whole file that must hold something.

    Raises:
        SignalError: the file is missing, a directory, forbidden or empty.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise _cannot("read", path, error) from None
    if not content:
        raise SignalError(f"{str(path)!r} is empty (0 bytes)", "give a file that holds a signal")
    return content


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a whole file at once: readers see the old content or the new, never a part.

    Raises:
        SignalError: the directory is missing, full or forbidden, or `path` is a directory.
    """
    # Not `tempfile`: its files are private (0600), and the rename would keep them so.
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # else a power cut may leave the new name on nothing
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise _cannot("written", path, error) from None


def check_is_file(path: Path) -> None:
    """Refuse a path that is missing, out of reach or a directory.

    Raises:
        SignalError: naming the path and the reason.
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
    """Make a folder where there is none.

    Raises:
        SignalError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SignalError(
            f"folder {folder} cannot be made: {error.strerror}", "choose another"
        ) from None
