"""Detect the container format of a file, and whether the file is complete.

libav decodes a truncated file up to the cut without an error, and may open other files if a text
file is a playlist. The container is therefore detected here from the first bytes, and the sizes
that the file states for its outermost parts are compared with its length. These parts are

- boxes in MP4 and QuickTime (ISO/IEC 14496-12), which begin with a size of 32 bits (if it is 1, the
  size follows in 64 bits) and a type;
- chunks in AVI (RIFF), which begin with a type and a size;
- elements in Matroska and WebM (EBML, RFC 8794), which begin with an id and a size, both numbers of
  variable length.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_EBML = b"\x1a\x45\xdf\xa3"


def container_of(path: Path) -> str | None:
    """Return the demuxer of libav for a file: `mov`, `avi` or `matroska`; None for other files.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in _BOXES:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    return "matroska" if head[:4] == _EBML else None


def is_cut_off(path: Path, container: str) -> bool:
    """Whether a part of a file extends beyond the end of the file.

    Raises:
        OSError: the file cannot be read.
    """
    next_part = {"mov": _box, "avi": _chunk, "matroska": _element}[container]
    total = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at < total:
            file.seek(at)
            length = next_part(file)
            if length is None:  # the part has no size, or is unknown: leave the check to libav
                return False
            at += length
    return at > total


def _box(file: BinaryIO) -> int | None:
    head = file.read(16)
    length = int.from_bytes(head[:4], "big")
    if length == 1 and len(head) == 16:
        length = int.from_bytes(head[8:], "big")
    return length if length >= 8 else None


def _chunk(file: BinaryIO) -> int | None:
    head = file.read(8)
    length = int.from_bytes(head[4:], "little")
    streamed = length in (0, 2**32 - 1)
    return None if head[:4] != b"RIFF" or streamed else 8 + length + length % 2


def _element(file: BinaryIO) -> int | None:
    _, id_length = _variable(file)
    length, own = _variable(file)
    unknown = length == 2 ** (7 * own) - 1  # all bits are set in live recordings
    return None if not id_length or not own or unknown else id_length + own + length


def _variable(file: BinaryIO) -> tuple[int, int]:
    """Return a number without its marker, and its length in bytes (0 if there is no number)."""
    first = file.read(1)
    if not first or not first[0]:
        return 0, 0
    more = 8 - first[0].bit_length()
    rest = file.read(more)
    marker = 1 << (7 - more)
    return int.from_bytes(bytes([first[0] ^ marker]) + rest, "big"), 1 + more
