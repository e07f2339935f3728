"""Parts of picture files: copies without metadata, and the chunks of a PNG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

from enas_inr.signals.pictures.raster import check_pixels, damaged, likely_dpi

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_CHUNKS = ("cICP", "gAMA", "cHRM", "sRGB")
"""The chunks of a PNG that say what its numbers mean, besides an ICC profile."""

_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT")
_CHANNELS = {2: 3, 4: 2, 6: 4}  # by the colour type; others have one
_CHRM_UNIT = 100_000
_USUAL_PRIMARIES = (1, 2)  # Rec. 709, unknown
_USUAL_TRANSFERS = (1, 2, 6, 13)  # Rec. 709, unknown, Rec. 601, sRGB
_AT_ONCE = 2**20  # bytes
_LARGEST_PROFILE = 2**20 + 1  # bytes: one more than is kept, which is refused
_METRES_PER_INCH = 0.0254
_LARGEST_CHUNK = 64  # bytes of a chunk about colours
_WEBP_FLAGS = 0b00101100  # of VP8X: ICC profile, EXIF and XMP


def without_metadata(content: bytes, kind: str) -> bytes | None:
    """Return a picture file with its pixels, but without EXIF, texts and the like.

    Args:
        content: the file.
        kind: its kind, as named by `enas_inr.signals.pictures.kinds`.

    Returns:
        None if the kind cannot be stripped, or the file is too damaged to find its parts.
    """
    strip = {"PNG": _png, "JPEG": _jpeg, "WEBP": _webp}.get(kind)
    try:
        return strip(content) if strip else None
    except (struct.error, IndexError):
        return None


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
    for _, name, data in _parts(content):
        yield name, data


def _parts(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
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
            across, down = (n * _METRES_PER_INCH for n in struct.unpack_from(">II", data))
            return likely_dpi(across, down)
    return None


def check_png(content: bytes, what: str) -> None:
    """Refuse a PNG whose pixels are damaged or cut off, before libpng prints a complaint.

    Raises:
        SignalError: the message begins with `what`.
    """
    needed, unpacked, packed = 0, 0, zlib.decompressobj()
    for start, name, data in _parts(content):
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
    parts = [SIGNATURE]
    for name, data in chunks(content):
        if name in _PIXELS:
            parts.append(chunk(name, data))
        if name == b"IHDR":
            parts += [chunk(extra.encode("latin-1"), each) for extra, each in added.items()]
    return b"".join(parts)


def _png(content: bytes) -> bytes:
    """Keep the chunks of pixels as they are, with their check sums."""
    kept = (
        content[start : start + 12 + len(data)]
        for start, name, data in _parts(content)
        if name in _PIXELS
    )
    return SIGNATURE + b"".join(kept)


def _jpeg(content: bytes) -> bytes:
    """Leave out the APP segments, except for Adobe's, which says how colours are stored."""
    parts, start = [content[:2]], 2
    while content[start] == 0xFF and content[start + 1] != 0xDA:
        marker = content[start + 1]
        if marker == 0xFF:  # a fill byte
            start += 1
            continue
        (length,) = struct.unpack_from(">H", content, start + 2)
        if marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            parts.append(content[start : start + 2 + length])
        start += 2 + length
    return b"".join(parts) + content[start:]


def _webp(content: bytes) -> bytes:
    parts, start = [], 12
    while start + 8 <= len(content):
        name = content[start : start + 4]
        (length,) = struct.unpack_from("<I", content, start + 4)
        end = start + 8 + length + length % 2
        part = content[start:end]
        if name == b"VP8X":
            part = part[:8] + bytes([part[8] & ~_WEBP_FLAGS]) + part[9:]
        if name not in (b"ICCP", b"EXIF", b"XMP "):
            parts.append(part)
        start = end
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body
