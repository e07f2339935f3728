"""Which container a file is, by its first bytes, and whether all of it is there.

libav decodes what it finds: of a file that was cut off it gives the frames before the cut, and a
text file may be a playlist that makes it open other files. So the container is told it, and the
sizes that the file states for its outermost parts are compared with what there is. Parts are

- MP4 and QuickTime (ISO/IEC 14496-12): boxes, size (32 bits) and type first; 1: 64 bits follow;
- AVI (RIFF): chunks, type and then size;
- Matroska and WebM (EBML, RFC 8794): elements, id and size as numbers of variable length.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_EBML = b"\x1a\x45\xdf\xa3"


def container_of(path: Path) -> str | None:
    """The demuxer of libav for a file: `mov`, `avi` or `matroska`; None for anything else.

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
    """Whether a part of a file ends after the file does.

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
            if length is None:  # up to the end, or nothing that we know: libav is to judge
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
    unknown = length == 2 ** (7 * own) - 1  # a live recording: all bits are set
    return None if not id_length or not own or unknown else id_length + own + length


def _variable(file: BinaryIO) -> tuple[int, int]:
    """A number without its marker, and how many bytes it takes (0: there is none)."""
    first = file.read(1)
    if not first or not first[0]:
        return 0, 0
    more = 8 - first[0].bit_length()
    rest = file.read(more)
    marker = 1 << (7 - more)
    return int.from_bytes(bytes([first[0] ^ marker]) + rest, "big"), 1 + more
