"""This process as its surroundings see it: its streams, and its command line."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from enas_inr.studies.location import HIDDEN, masked

_ARG_START = 45  # of the fields in /proc/PID/stat after the name of the program, see proc(5)


def open_streams() -> None:
    """Open stdin, stdout and stderr on nothing where they are closed.

    Otherwise files that are opened later would get their numbers, and what is printed would get
    into these files.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the smallest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def hide_passwords() -> None:
    """Overwrite passwords in the command line of this process, which `ps` shows to all users.

    Linux only. They are visible until this is called.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError, ValueError, IndexError):
        shown = Path("/proc/self/cmdline").read_bytes()
        start = int(Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()[_ARG_START])
        place = start
        for word in shown.split(b"\0"):
            hidden = os.fsencode(_hidden(os.fsdecode(word)))
            if hidden != word and start:
                # What is left over is filled with spaces, since the length cannot change.
                ctypes.memmove(place, hidden.ljust(len(word))[: len(word)], len(word))
            place += len(word) + 1


def _hidden(word: str) -> str:
    """Return an argument without passwords, of `--storage=URL` too; never longer than it was."""
    hidden = re.sub(r"[A-Za-z][\w+.]*://.*", lambda url: masked(url[0]), word, flags=re.DOTALL)
    return hidden if len(hidden) <= len(word) else hidden.replace(HIDDEN, "*")
