"""What lies beside the file of a storage can be used by whoever can use that file."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path


def share_like(target: int | Path, file: Path) -> None:
    """Give the group and the mode of a file to another one, or to a folder, as far as we may.

    If the group cannot be given, the mode is not either, since it would hold for another group.

    Args:
        target: an open file by its number, or a folder, which whoever can read the file can enter.
        file: the file, which need not exist.
    """
    if sys.platform == "win32":
        return
    with suppress(OSError):
        like, own = file.stat(), os.stat(target)
        if own.st_gid != like.st_gid:
            os.chown(target, -1, like.st_gid)
        mode = stat.S_IMODE(like.st_mode) & 0o666 | 0o600
        if stat.S_ISDIR(own.st_mode):
            mode |= (mode & 0o444) >> 2
        if stat.S_IMODE(own.st_mode) != mode:
            os.chmod(target, mode)
