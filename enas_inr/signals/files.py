"""Read and replace whole files; errors name the path and the reason."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, BinaryIO

from enas_inr.errors import SignalError, reason_of

__all__ = [
    "check_is_file",
    "make_folder",
    "read_bytes",
    "replace_bytes",
    "replaced",
    "replacing",
]

STANDARD = Path("-")
"""The standard output, where a file is written; the standard input, where one is read."""

# Their links lead to the open file, which may be a regular one.
_OPEN_FILE = re.compile(r"/dev/(std(in|out|err)|fd/\d+)|/proc/[\w-]+/fd/\d+")


def read_bytes(path: Path) -> bytes:
    """Read a whole file, which must not be empty; `-` is the standard input.

    Raises:
        SignalError: the file is missing, a directory, not readable or empty.
    """
    try:
        content = path.read_bytes() if path != STANDARD else _standard_input()
    except (OSError, ValueError) as error:
        raise cannot("read", path, error) from None
    if not content:
        raise SignalError(f"{str(path)!r} is empty (0 bytes)", "give a file that holds a signal")
    return content


def _standard_input() -> bytes:
    binary = getattr(sys.stdin, "buffer", None)
    if binary is None:
        raise OSError(errno.EINVAL, "the standard input gives only text here")
    return bytes(binary.read())


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace a file atomically: readers see either the old content or the new; see `replaced`.

    Raises:
        SignalError: as `replaced`.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, which replaces `path` when everything is written; see `replaced`.

    Raises:
        SignalError: as `replaced`.
    """
    with replaced(path) as temporary, temporary.open("wb") as file:
        yield file


@contextmanager
def replaced(path: Path, suffix: str = ".tmp") -> Iterator[Path]:
    """Make a temporary file, which replaces `path` atomically at the end of the block.

    The new file has the mode and the owner of the old one. After an error, the old file is as it
    was, and the temporary one is gone. A symbolic link stays, and its target is replaced. What is
    no file (see `is_stream`) is written into at the end of the block.

    Args:
        path: the file to replace; `-` is the standard output.
        suffix: the end of the name of the temporary file.

    Raises:
        SignalError: the directory is missing or not writable, the disk is full, or `path` is a
            directory, a block device or a socket.
    """
    if is_stream(path):
        with _filled(path, suffix) as temporary:
            yield temporary
        return
    try:
        target = Path(os.path.realpath(path))
        with _beside(target, suffix) as temporary:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())  # otherwise a power failure may leave an empty file
            _take_over(target, temporary)
            os.replace(temporary, target)
    except (OSError, ValueError) as error:
        raise cannot("written", path, error) from None


@contextmanager
def _beside(target: Path, suffix: str = ".tmp") -> Iterator[Path]:
    """Make an empty file in the folder of another one, and remove it in the end."""
    # A name of its own, since that of the target may be as long as the file system allows.
    # `tempfile` would make a private file (0600), and the rename would keep it so.
    temporary = target.parent / f".{secrets.token_hex(8)}{suffix}"
    temporary.open("xb").close()
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _take_over(target: Path, temporary: Path) -> None:
    """Give a file the mode and, as far as possible, the owner of the file that it will replace."""
    try:
        old = target.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(old.st_mode):  # it became one during the work
        raise OSError(errno.EINVAL, "it is not a regular file")
    with suppress(OSError, AttributeError):  # only root may give a file away; Windows lacks chown
        os.chown(temporary, old.st_uid, old.st_gid)
    os.chmod(temporary, stat.S_IMODE(old.st_mode) & 0o777)


@contextmanager
def _filled(path: Path, suffix: str) -> Iterator[Path]:
    """Make a temporary file, whose content goes into a stream at the end of the block."""
    try:
        with TemporaryDirectory() as folder:
            temporary = Path(folder, f"stream{suffix}")
            temporary.touch()
            yield temporary
            with temporary.open("rb") as content, _opened(path) as stream:
                shutil.copyfileobj(content, stream, 2**20)
                stream.flush()
    except BrokenPipeError:
        if path == STANDARD:  # the reader has closed the output, as `head` does
            raise
        raise SignalError(f"the reader of {str(path)!r} has closed it", "try again") from None
    except OSError as error:
        raise cannot("written", path, error) from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a stream for writing."""
    if path != STANDARD:
        with path.open("wb") as stream:
            yield stream
        return
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        raise SignalError("the standard output takes only text here", "give the name of a file")
    sys.stdout.flush()
    yield binary


def is_stream(path: Path) -> bool:
    """Whether a path is written into instead of being replaced.

    That is `-` (the standard output), a path of an open file such as `/dev/stdout`, and whatever
    exists and is neither a regular file nor a directory: a pipe or a device.
    """
    if path == STANDARD or _OPEN_FILE.fullmatch(os.path.normpath(path)):
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def probe(folder: Path) -> None:
    """Find out whether files can be written to a folder, by making one and removing it.

    Permissions alone do not tell: root may write anywhere, but not on a read-only file system.

    Raises:
        OSError: they cannot.
    """
    with _beside(folder / "probe"):
        pass


def check_is_file(path: Path) -> None:
    """Refuse a path that is missing, not accessible or a directory.

    Raises:
        SignalError: the message names the path and the reason.
    """
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise cannot("read", path, error) from None
    if path.is_dir():
        raise SignalError(f"{str(path)!r} is a directory", "give a file")


def cannot(verb: str, path: Path, error: Exception) -> SignalError:
    """Return the error about a file that cannot be read or written."""
    hint = "check the path" if verb == "read" else "check the path and the disk"
    if isinstance(error, PermissionError):
        hint = "check the permissions of the file and its directory"
    return SignalError(f"{str(path)!r} cannot be {verb}: {reason_of(error)}", hint)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, unless it exists.

    Raises:
        SignalError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SignalError(
            f"folder {folder} cannot be made: {reason_of(error)}", "choose another"
        ) from None
