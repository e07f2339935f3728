"""Checks of the paths that a command will write, before its work begins."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from enas_inr.errors import ModelError, SignalError, SpecError, reason_of
from enas_inr.signals.files import STANDARD, cannot, is_stream, probe
from enas_inr.validation import counted

NAME_BYTES = 255
"""The largest length of a name in usual file systems."""


@dataclass(frozen=True)
class Output:
    """A file that a command will write.

    Attributes:
        path: the file; `-` is the standard output.
        what: what is written, for messages, such as "a model".
        suffixes: the suffixes that it may have; empty for any.
    """

    path: Path
    what: str = "a file"
    suffixes: tuple[str, ...] = ()


def check_outputs(
    outputs: Sequence[Output],
    *,
    force: bool,
    inputs: Iterable[str | Path] = (),
    make_folders: bool = False,
) -> None:
    """Refuse files that cannot be written, or must not be.

    A file needs a folder that is there and writable, and a suffix that suits its content. It must
    not be one of the inputs, by whatever name or link, nor another output, nor exist unless it may
    be overwritten. A pipe or a character device is written into, so that it needs no suffix.

    Args:
        outputs: all files that the command will write.
        force: whether files may be overwritten.
        inputs: paths that the command reads. Others, such as `sample:photo`, are ignored.
        make_folders: whether the command makes folders that are missing.

    Raises:
        SpecError: a file is an input or another output, or cannot be one.
        SignalError: a suffix does not suit, or a file cannot be written.
        ModelError: a file exists, and must not be overwritten.
    """
    read = {_identity(Path(one)) for one in inputs if Path(one) != STANDARD}
    taken: dict[object, Output] = {}
    folders: dict[Path, Path] = {}
    for output in outputs:
        _check(output)
        identity = _identity(output.path)
        if identity in read:
            raise SpecError(
                f"{str(output.path)!r} is read, and would be overwritten by {output.what}",
                "choose another file",
            )
        if identity in taken:
            raise SpecError(
                f"{str(output.path)!r} is {taken[identity].what} as well as {output.what}",
                "give each a file of its own",
            )
        taken[identity] = output
        if not is_stream(output.path):
            folders.setdefault(Path(os.path.realpath(output.path)).parent, output.path)
    if not force:
        check_absent([output.path for output in outputs])
    for folder, path in folders.items():
        if make_folders:
            check_folder(folder)
        else:
            _check_writable(folder, path)


def check_absent(paths: Sequence[Path]) -> None:
    """Refuse to overwrite files; a pipe or a device is written into.

    Raises:
        ModelError: one of them exists.
    """
    there = [path for path in paths if os.path.exists(path) and not is_stream(path)]
    if there:
        more = f", and {counted(len(there) - 1, 'other file')}" if there[1:] else ""
        raise ModelError(f"{str(there[0])!r} exists already{more}", "give --force to overwrite it")


def check_name(path: Path) -> None:
    """Refuse a path that cannot be the name of a file, or that is there and is no file.

    Raises:
        SignalError: the message says why.
    """
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise cannot("written", path, error) from None
    if not stat.S_ISREG(kind):
        raise SignalError(f"{str(path)!r} is not a file", "remove it, or choose another folder")


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made, or to which no file can be written.

    The folder is not made yet.

    Raises:
        SignalError: the message says why.
    """
    if folder == STANDARD:
        raise SignalError("'-' is the standard output, not a folder", "give a folder")
    place = Path(os.path.abspath(folder))
    try:
        while not os.path.lexists(place) and place != place.parent:
            place = place.parent
        place.stat()  # says what is wrong with a link that leads nowhere
        for part in Path(os.path.abspath(folder)).parts:
            if len(os.fsencode(part)) > NAME_BYTES:
                raise OSError(f"a name of more than {NAME_BYTES} bytes")
        if not place.is_dir():
            raise NotADirectoryError(f"{str(place)!r} is not a folder")
        probe(place)
    except (OSError, ValueError) as error:
        raise SignalError(
            f"folder {str(folder)!r} cannot be written: {reason_of(error)}", "choose another"
        ) from None


def is_standard_output(path: Path) -> bool:
    """Whether a path is the standard output of this process, by whatever name."""
    if path == STANDARD:
        return True
    try:
        return is_stream(path) and os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        return False


def file_name(text: str, suffix: str = "") -> str:
    """Return a name of a file in a folder for any text, such as the name of a study.

    It has no separators and no control characters, does not begin with a dot or a dash, and is not
    longer than file systems allow. Ordinary names stay as they are.
    """
    name = re.sub(r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029]", "-", text).lstrip(".-") or "unnamed"
    room = NAME_BYTES - len(os.fsencode(suffix))
    if len(os.fsencode(name)) > room:
        name = os.fsencode(name)[:room].decode(errors="ignore")
    return name + suffix


def _check(output: Output) -> None:
    path, name = output.path, repr(str(output.path))
    if path == STANDARD:
        if sys.stdout.isatty():
            raise SpecError("a file cannot be written to a terminal", "redirect the output")
        return
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        kind = 0
    except (OSError, ValueError) as error:
        raise cannot("written", path, error) from None
    if stat.S_ISDIR(kind):
        raise SignalError(f"{name} is a directory", "give the name of a file")
    if stat.S_ISBLK(kind) or stat.S_ISSOCK(kind):
        what = "a block device" if stat.S_ISBLK(kind) else "a socket"
        raise SpecError(f"{name} is {what}", "give the name of a file")
    if is_stream(path):
        if not os.access(path, os.W_OK):
            raise SignalError(f"{name} cannot be written: Permission denied", "choose another file")
        return
    if output.suffixes and not path.name.lower().endswith(output.suffixes):
        raise SignalError(
            f"{name}: cannot write {output.what} "
            + (f"as {path.suffix!r}" if path.suffix else "without a suffix"),
            f"use one of: {', '.join(output.suffixes)}"
            if output.suffixes[1:]
            else f"end its name with {output.suffixes[0]}",
        )


def _check_writable(folder: Path, path: Path) -> None:
    try:
        if not folder.is_dir():
            raise SignalError(
                f"{str(path)!r} cannot be written: there is no folder {str(folder)!r}",
                "make it first, or choose another",
            )
        probe(folder)
    except OSError as error:
        raise cannot("written", path, error) from None


def _identity(path: Path) -> object:
    """Return what is equal for two paths of the same file, by hard links as well."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return path if "\0" in str(path) else os.path.realpath(path)
    return found.st_dev, found.st_ino
