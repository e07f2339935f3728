"""The kind of a file, which its first bytes decide, whatever its suffix says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PILLOW = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
"""The kinds of pictures that Pillow reads."""

DEEP = ("EXR", "HDR", "JXL", "JP2", "PNM")
"""The kinds of pictures that only OpenImageIO reads with all their bits."""

HEIF = "HEIF"
"""The kind of picture that pillow-heif reads."""

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        ".png": "PNG",
        ".apng": "PNG",
        ".jpg": "JPEG",
        ".jpeg": "JPEG",
        ".jfif": "JPEG",
        ".mpo": "JPEG",
        ".webp": "WEBP",
        ".tif": "TIFF",
        ".tiff": "TIFF",
        ".bmp": "BMP",
        ".gif": "GIF",
        ".avif": "AVIF",
        ".heic": HEIF,
        ".heif": HEIF,
        ".exr": "EXR",
        ".hdr": "HDR",
        ".jxl": "JXL",
        ".jp2": "JP2",
        ".pgm": "PNM",
        ".ppm": "PNM",
        ".pnm": "PNM",
        ".pfm": "PNM",
    }
)
"""The kind that a suffix promises."""

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"\x76\x2f\x31\x01", "EXR"),
    (b"#?RADIANCE", "HDR"),
    (b"#?RGBE", "HDR"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JP2"),
    (b"\xff\x4f\xff\x51", "JP2"),
)
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"fLaC", "a FLAC sound"),
    (b"OggS", "an Ogg sound or video"),
    (b"ID3", "an MP3 sound"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x5c\x01\0\0", "a header of an Analyze or NIfTI volume"),
    (b"\0\0\x01\x5c", "a header of an Analyze or NIfTI volume"),
    (b"\x7fELF", "a program"),
    (b"\0\0\x01\0", "a Windows icon"),
    (b"version https://git-lfs", "a pointer of Git LFS, whose file has not been fetched"),
)
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes
_PNM = b"123456fF"  # what follows a P
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), HEIF
)
_LOOKED_AT = 4096  # bytes


def kind_of(content: bytes) -> str | None:
    """Return the kind of a picture from its first bytes, such as `PNG`; None if it is none."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[:2] == b"BM" and int.from_bytes(content[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if content[:1] == b"P" and content[1:2] in _PNM and content[2:3].isspace():
        return "PNM"
    if content[4:8] == b"ftyp":
        found = [_BRANDS[brand] for brand in _brands(content) if brand in _BRANDS]
        return "AVIF" if "AVIF" in found else next(iter(found), None)
    return None


def words_for(content: bytes) -> str | None:
    """Return what a file is that is not a picture, such as `a text`; None if unknown."""
    for beginning, words in _OTHERS:
        if content.startswith(beginning):
            return words
    if content[:4] in (b"RIFF", b"RF64") and content[8:12] == b"WAVE":
        return "a WAV sound"
    if content[4:8] == b"ftyp":
        return "a video or sound of the MP4 family"
    if b'"enas_inr' in content[:_LOOKED_AT]:
        return "a model of enas-inr"
    start = content[:_LOOKED_AT].lstrip().lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a page of HTML"
    return "a text" if _is_text(content[:_LOOKED_AT]) else None


def _brands(content: bytes) -> list[bytes]:
    """Return the major brand and the compatible ones of an ISO media file."""
    end = min(int.from_bytes(content[:4], "big"), _LOOKED_AT)
    return [content[8:12], *(content[at : at + 4] for at in range(16, end, 4))]


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:  # not a character that was cut by the limit
            return False
        text = start[: error.start].decode()
    return bool(text) and all(c.isprintable() or c.isspace() for c in text)
