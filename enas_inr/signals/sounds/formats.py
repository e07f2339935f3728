"""Formats and subtypes in which sound is written, by their names in libsndfile, and AAC."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import soundfile
from pydantic import JsonValue

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        ".wav": "WAV",
        ".flac": "FLAC",
        ".ogg": "OGG",
        ".oga": "OGG",
        ".opus": "OGG",
        ".mp3": "MP3",
        ".aif": "AIFF",
        ".aiff": "AIFF",
        ".aifc": "AIFF",
        ".au": "AU",
        ".snd": "AU",
        ".caf": "CAF",
        ".w64": "W64",
        ".rf64": "RF64",
    }
)
"""The format of a suffix."""

PCM_BITS: Mapping[str, int] = MappingProxyType(
    {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
)
BEYOND_ONE = ("FLOAT", "DOUBLE", "VORBIS", "OPUS", "MPEG_LAYER_III")
"""The subtypes that hold values above 1."""

# Of those, libsndfile writes layer III in MP3 alone, where it is the usual one, and claims others.
_MP3 = ("MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")
_LOSSY = ("VORBIS", "OPUS", "AAC", *_MP3)

_SAME_SUFFIX = {"WAV": ("WAV", "WAVEX", "RF64")}  # formats that share a suffix
_BITS = {**PCM_BITS, "FLOAT": 25, "DOUBLE": 54, "ULAW": 14, "ALAW": 13}  # of precision
_NEAREST = {
    "PCM_U8": ("PCM_S8", "PCM_16"),
    "PCM_S8": ("PCM_U8", "PCM_16"),
    "PCM_24": ("PCM_32",),
    "PCM_32": ("DOUBLE", "PCM_24"),
    "FLOAT": ("DOUBLE", "PCM_24"),
    "DOUBLE": ("FLOAT", "PCM_24"),
    "ULAW": ("PCM_16",),
    "ALAW": ("PCM_16",),
}
"""What holds most of a subtype in a format that lacks it."""


def format_of(suffix: str, meta: Mapping[str, JsonValue]) -> str | None:
    """Return the format of a suffix: the one that the signal had, if it has the same suffix."""
    usual = FORMATS.get(suffix)
    had = str(meta.get("format"))
    return had if had in _SAME_SUFFIX.get(str(usual), ()) else usual


def subtype_of(name: str, suffix: str, meta: Mapping[str, JsonValue]) -> str:
    """Return the subtype in which a signal is written: that which it had, or the nearest one."""
    had = meta.get("subtype")
    if suffix == ".opus":
        return "OPUS"
    if isinstance(had, str):
        for subtype in (had, *_NEAREST.get(had, ())):
            if soundfile.check_format(name, subtype) and subtype not in _MP3:
                return subtype
    return str(soundfile.default_subtype(name))


def loss(subtype: str, meta: Mapping[str, JsonValue]) -> str:
    """Return a line about the precision or the level that a signal loses, or an empty text."""
    had, gain = meta.get("subtype"), meta.get("gain")
    if isinstance(gain, int | float) and subtype not in BEYOND_ONE:
        return f"{subtype} holds no values above 1, so the sound is divided by its peak, {gain:g}"
    if subtype in _LOSSY or _BITS.get(str(had), 0) <= _BITS.get(subtype, 0):
        return ""
    return f"the format has no {had}, so the samples are rounded to {subtype}"
