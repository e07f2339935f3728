"""The command line of this process as others see it."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from enas_inr.studies.location import HIDDEN, masked

_ARG_START = 45  # of the fields in /proc/PID/stat after the name of the program, see proc(5)


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
