"""Copies of picture files without EXIF, texts and the like."""

from __future__ import annotations

import struct

from enas_inr.signals.pictures.png import PIXELS, SIGNATURE, parts

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


def _png(content: bytes) -> bytes:
    """Keep the chunks of pixels as they are, with their check sums."""
    kept = (
        content[start : start + 12 + len(data)]
        for start, name, data in parts(content)
        if name in PIXELS
    )
    return SIGNATURE + b"".join(kept)


def _jpeg(content: bytes) -> bytes:
    """Leave out the APP segments, except for Adobe's, which says how colours are stored."""
    kept, start = [content[:2]], 2
    while content[start] == 0xFF and content[start + 1] != 0xDA:
        marker = content[start + 1]
        if marker == 0xFF:  # a fill byte
            start += 1
            continue
        (length,) = struct.unpack_from(">H", content, start + 2)
        if marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(content[start : start + 2 + length])
        start += 2 + length
    return b"".join(kept) + content[start:]


def _webp(content: bytes) -> bytes:
    kept, start = [], 12
    while start + 8 <= len(content):
        name = content[start : start + 4]
        (length,) = struct.unpack_from("<I", content, start + 4)
        end = start + 8 + length + length % 2
        part = content[start:end]
        if name == b"VP8X":
            part = part[:8] + bytes([part[8] & ~_WEBP_FLAGS]) + part[9:]
        if name not in (b"ICCP", b"EXIF", b"XMP "):
            kept.append(part)
        start = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body
