"""Headers of sound files that contradict the data: mended if it is by a little, else cut off.

libsndfile reads a file to its end, whatever lengths are stated, except for the cases that are
mended here. It therefore does not notice a file that was cut off, which is noticed here as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

_STREAMED = 0x7FFF_0000  # a part of this size or more was written before its length was known
_LITTLE = 1 / 1000  # of the data
_HEADER = 64  # bytes: some programs count those of the header as well
_KNOWN = (
    *(b"fmt ", b"data", b"fact", b"LIST", b"JUNK", b"junk", b"PAD ", b"bext", b"iXML", b"id3 "),
    *(b"ID3 ", b"PEAK", b"cue ", b"smpl", b"inst", b"plst", b"ds64", b"cart", b"DISP", b"FLLR"),
)  # chunks that precede the data of WAV files


@dataclass(frozen=True)
class Mended:
    """A file as libsndfile is to read it.

    Attributes:
        content: the whole file.
        note: what its header says wrongly; empty if it is right.
        is_cut: whether much of the data is missing.
    """

    content: bytes
    note: str = ""
    is_cut: bool = False


@dataclass(frozen=True)
class _Layout:
    """How the parts of a format are written one after the other.

    Attributes:
        first: where the first of them begins.
        head: bytes of its name and its size.
        name: bytes of its name, before the size.
        data: the first four bytes of the name of the part that holds the sound.
        order: byte order of sizes.
        own: bytes of the head that its size includes.
        align: bytes to a multiple of which a part is padded.
    """

    first: int
    head: int
    name: int
    data: bytes
    order: Literal["little", "big"]
    own: int = 0
    align: int = 2


_LAYOUTS = {
    b"RIFF": _Layout(12, 8, 4, b"data", "little"),
    b"RIFX": _Layout(12, 8, 4, b"data", "big"),
    b"RF64": _Layout(12, 8, 4, b"data", "little"),
    b"FORM": _Layout(12, 8, 4, b"SSND", "big"),
    b"riff": _Layout(40, 24, 16, b"data", "little", own=24, align=8),
    b"caff": _Layout(8, 12, 4, b"data", "big", align=1),
}


@dataclass(frozen=True)
class _Part:
    """A part of a file: its name, where its head begins, and where its body begins and ends."""

    name: bytes
    at: int
    start: int
    stop: int


def mended(content: bytes) -> Mended:
    """Compare the sizes in the header of a WAV, AIFF, AU, CAF, RF64 or W64 file with its data."""
    if content[:4] == b".snd":
        return _mended_au(content)
    layout = _LAYOUTS.get(content[:4])
    if layout is None:
        return Mended(content)
    parts, unpadded = _parts(content, layout)
    if not unpadded:
        return _sized(content, parts, layout)
    ends = [0, *unpadded, len(content)]
    padded = b"\0".join(content[start:stop] for start, stop in pairwise(ends))
    found = _sized(padded, _parts(padded, layout)[0], layout)
    return replace(found, note="leaves out the padding of a part")


def _sized(content: bytes, parts: list[_Part], layout: _Layout) -> Mended:
    """Compare the sizes of a file whose parts are padded."""
    part = next((part for part in parts if part.name[:4] == layout.data), None)
    if part is None:
        return Mended(content, is_cut=True)
    size, here = part.stop - part.start, len(content) - part.start
    if content[:4] == b"RF64" and size >= _STREAMED:
        size = int.from_bytes(content[28:36], "little")
    streamed = size >= _STREAMED and size > here
    if streamed or (size <= 0 < here and not _ends_in_parts(content, part.start, layout)):
        return Mended(_with_size(content, part, layout), "does not state how long the sound is")
    if size > here:
        return _too_long(_with_size(content, part, layout), size, here)
    stated = int.from_bytes(content[4:8], "little") + 8
    if content[:4] == b"RIFF" and abs(stated - len(content)) > 1:
        return Mended(content, f"states {stated} bytes for a file of {len(content)}")
    return Mended(content)


def states_length(content: bytes) -> bool:
    """Whether an MP3 file states its number of frames, in a first frame of its own."""
    size = 0
    if content[:3] == b"ID3" and len(content) > 10:  # seven bits a byte
        size = 10 + sum(byte << (7 * place) for place, byte in enumerate(content[9:5:-1]))
    first = content[size : size + 256]
    return b"Xing" in first or b"Info" in first


def time_of_writing(beginning: bytes) -> slice | None:
    """Return where a WAV or AIFF file of floats states when it was written; None for others.

    Args:
        beginning: the first bytes of the file, at least up to the sound.
    """
    layout = _LAYOUTS.get(beginning[:4])
    for part in _parts(beginning, layout)[0] if layout else ():
        if part.name == b"PEAK":
            return slice(part.start + 4, part.start + 8)  # after its version
    return None


def is_cut_ogg(content: bytes) -> bool:
    """Whether the last page is incomplete, or not marked as the end of its stream."""
    if content[:4] != b"OggS":
        return False
    page = content[content.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return True
    ends = bool(page[5] & 4)
    return not ends or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])


def _mended_au(content: bytes) -> Mended:
    start, size = (int.from_bytes(content[at : at + 4], "big") for at in (4, 8))
    here = len(content) - start
    streamed = content[:8] + b"\xff" * 4 + content[12:]
    if here > 0 and (size == 0 or size >= _STREAMED):
        return Mended(streamed, "does not state how long the sound is")
    return _too_long(streamed, size, here) if size > here else Mended(content)


def _too_long(content: bytes, size: int, here: int) -> Mended:
    """Return a file that states more bytes of sound than there are."""
    missing = size - here
    note = f"states {size} bytes of sound, of which {missing} are missing"
    return Mended(content, note, is_cut=missing > max(_HEADER, size * _LITTLE))


def _parts(content: bytes, layout: _Layout) -> tuple[list[_Part], list[int]]:
    """Return the parts up to the sound, and the ends of those whose padding is left out."""
    found: list[_Part] = []
    unpadded: list[int] = []
    at = layout.first
    while at + layout.head <= len(content):
        part = _part(content, at, layout)
        found.append(part)
        if part.name[:4] == layout.data or part.stop < part.start:
            break
        at = _after(part, layout)
        if layout.align == 2 and at > part.stop:
            here, there = (content[start : start + 4] in _KNOWN for start in (part.stop, at))
            if here and not there:
                unpadded.append(part.stop)
                at = part.stop
    return found, unpadded


def _after(part: _Part, layout: _Layout) -> int:
    """Return where the next part begins."""
    return part.start + math.ceil((part.stop - part.start) / layout.align) * layout.align


def _part(content: bytes, at: int, layout: _Layout) -> _Part:
    start = at + layout.head
    name = content[at : at + layout.name]
    size = int.from_bytes(content[at + layout.name : start], layout.order, signed=layout.head > 8)
    return _Part(name, at, start, start + size - layout.own)


def _ends_in_parts(content: bytes, at: int, layout: _Layout) -> bool:
    """Whether what follows are whole parts up to the end, so that a sound of no bytes is right."""
    while at + layout.head <= len(content):
        part = _part(content, at, layout)
        if part.stop < part.start or not all(32 <= letter < 127 for letter in part.name[:4]):
            return False
        at = _after(part, layout)
    return 0 <= at - len(content) <= 1  # the last padding may be missing


def _with_size(content: bytes, part: _Part, layout: _Layout) -> bytes:
    """Return the file with the size that its sound has."""
    size = len(content) - part.start
    if content[:4] == b"RF64":
        return content[:28] + size.to_bytes(8, "little") + content[36:]
    at, width = part.at + layout.name, layout.head - layout.name
    return content[:at] + (size + layout.own).to_bytes(width, layout.order) + content[at + width :]
