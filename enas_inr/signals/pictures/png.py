"""The chunks of a PNG: found, read, checked and written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

from enas_inr.signals.pictures.colour import LARGEST
from enas_inr.signals.pictures.raster import check_pixels, damaged, likely_dpi

SIGNATURE = b"\x89PNG\r\n\x1a\n"
METRES_PER_INCH = 0.0254
COLOUR_CHUNKS = ("cICP", "gAMA", "cHRM", "sRGB")
"""The chunks of a PNG that say what its numbers mean, besides an ICC profile."""

PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT")
"""The chunks that decide the pixels."""

_DEPTH = len(SIGNATURE) + 16  # place of the bit depth
_CHANNELS = {2: 3, 4: 2, 6: 4}  # by the colour type; others have one
_CHRM_UNIT = 100_000
_USUAL_PRIMARIES = (1, 2)  # Rec. 709, unknown
_USUAL_TRANSFERS = (1, 2, 6, 13)  # Rec. 709, unknown, Rec. 601, sRGB
_AT_ONCE = 2**20  # bytes
_LARGEST_PROFILE = LARGEST + 1  # bytes: one more than is kept, which is refused
_LARGEST_CHUNK = 64  # bytes of a chunk about colours


def colour_chunks(content: bytes) -> dict[str, bytes]:
    """Return the chunks of a PNG about its colours, before its pixels."""
    found: dict[str, bytes] = {}
    for name, data in chunks(content):
        if name == b"IDAT":
            break
        text = name.decode("latin-1")
        if text in COLOUR_CHUNKS and len(data) <= _LARGEST_CHUNK:
            found[text] = data
    return found


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Iterate over the names and contents of the chunks of a PNG, whatever their check sums."""
    for _, name, data in parts(content):
        yield name, data


def parts(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Iterate over the places, names and contents of the chunks."""
    start = len(SIGNATURE)
    while start + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, start)
        yield start, content[start + 4 : start + 8], content[start + 8 : start + 8 + length]
        start += 12 + length


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG with its length and check sum."""
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def nclx_chunks(content: bytes) -> dict[str, bytes]:
    """Return the colours of an AVIF or HEIF as the chunk of a PNG; empty for those of sRGB.

    The numbers are those of ITU-T H.273 in both formats.
    """
    start = content.find(b"colrnclx")
    if start < 0 or start + 12 > len(content):
        return {}
    primaries, transfer = struct.unpack_from(">HH", content, start + 8)
    if (primaries in _USUAL_PRIMARIES and transfer in _USUAL_TRANSFERS) or max(
        primaries, transfer
    ) > 255:
        return {}
    return {"cICP": bytes([primaries, transfer, 0, 1])}  # RGB, in the full range


def to_chrm(primaries: Sequence[float]) -> dict[str, bytes]:
    """Return x and y of red, green, blue and white as the chunk of a PNG, where white is first.

    Numbers that a PNG cannot hold give none.
    """
    whole = [round(n * _CHRM_UNIT) for n in (*primaries[6:], *primaries[:6])]
    return {"cHRM": struct.pack(">8I", *whole)} if min(whole) >= 0 and max(whole) < 2**31 else {}


def png_depth(content: bytes) -> int:
    """Return the bits of a channel; 8 for a file that is too short to say it."""
    return content[_DEPTH] if len(content) > _DEPTH else 8


def png_profile(content: bytes) -> bytes:
    """Return the ICC profile of a PNG; empty if it has none, or a damaged or very large one."""
    for name, data in chunks(content):
        if name == b"iCCP":
            _, _, packed = data.partition(b"\0")
            try:
                return zlib.decompressobj().decompress(packed[1:], _LARGEST_PROFILE)
            except zlib.error:
                return b""
    return b""


def png_exif(content: bytes) -> bytes:
    """Return the EXIF data of a PNG; empty if it has none."""
    return next((data for name, data in chunks(content) if name == b"eXIf"), b"")


def png_frames(content: bytes) -> int:
    """Return the number of pictures in a PNG, of which only an animated one has several."""
    for name, data in chunks(content):
        if name == b"acTL" and len(data) == 8:
            return max(1, int(struct.unpack_from(">I", data)[0]))
        if name == b"IDAT":
            break
    return 1


def png_dpi(content: bytes) -> tuple[float, float] | None:
    """Return the pixels per inch of a PNG along columns and rows; None if they are unknown."""
    for name, data in chunks(content):
        if name == b"pHYs" and len(data) == 9 and data[8] == 1:
            across, down = (n * METRES_PER_INCH for n in struct.unpack_from(">II", data))
            return likely_dpi(across, down)
    return None


def check_png(content: bytes, what: str) -> None:
    """Refuse a PNG whose pixels are damaged or cut off, before libpng prints a complaint.

    Raises:
        SignalError: the message begins with `what`.
    """
    needed, unpacked, packed = 0, 0, zlib.decompressobj()
    for start, name, data in parts(content):
        if name not in (b"IHDR", b"PLTE", b"IDAT"):
            continue
        end = start + 8 + len(data)
        if content[end : end + 4] != struct.pack(">I", zlib.crc32(name + data)):
            raise damaged(what, f"{name.decode()} is cut off, or has a wrong check sum")
        if name == b"IHDR":
            columns, rows, bits, colour = struct.unpack_from(">IIBB", data)
            check_pixels((columns, rows), what)
            needed = rows * (1 + columns * bits * _CHANNELS.get(colour, 1) // 8)
        rest = data if name == b"IDAT" else b""
        try:
            while rest and unpacked < needed:
                unpacked += len(packed.decompress(rest, _AT_ONCE))
                rest = packed.unconsumed_tail
        except zlib.error as error:
            raise damaged(what, error) from None
    if unpacked < needed:
        raise damaged(what, "its last rows are missing")


def with_chunks(content: bytes, added: Mapping[str, bytes]) -> bytes:
    """Return a PNG that has these chunks, and otherwise its pixels alone."""
    made = [SIGNATURE]
    for name, data in chunks(content):
        if name in PIXELS:
            made.append(chunk(name, data))
        if name == b"IHDR":
            made += [chunk(extra.encode("latin-1"), each) for extra, each in added.items()]
    return b"".join(made)
