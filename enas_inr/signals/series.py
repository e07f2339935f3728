"""Folders that are one signal: a series of DICOM slices."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_MARK = slice(128, 132)


def is_series(path: Path) -> bool:
    """Whether a path is a folder whose first file, by name, is a DICOM slice."""
    with suppress(OSError):
        if path.is_dir():
            for file in sorted(path.iterdir()):
                if file.is_file() and not file.name.startswith("."):
                    with file.open("rb") as opened:
                        return opened.read(_MARK.stop)[_MARK] == b"DICM"
    return False
