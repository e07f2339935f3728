"""Write large sounds to a file block by block."""

from __future__ import annotations

from pathlib import Path

import soundfile

from enas_inr.errors import warn_once
from enas_inr.signals.files import cannot
from enas_inr.signals.parts import SignalParts
from enas_inr.signals.sounds.audio import FAILURES, check_sound, forget_time, levels_of, refused
from enas_inr.signals.sounds.formats import format_of, loss, subtype_of

_LARGEST_WAV = 2**32 - 2**16  # bytes, which RF64 exceeds with the same layout
_FRAMES = 2**16  # at once: libsndfile's Vorbis encoder overflows the stack on long writes


def write_sound(parts: SignalParts, path: Path) -> None:
    """Write a sound block by block.

    Raises:
        SignalError: the format cannot hold the signal.
        OSError: the file cannot be written.
    """
    what = repr(str(path))
    rate = check_sound(parts.shape, parts.sample_rate, what)
    frames, channels = parts.shape
    name = format_of(path.suffix, parts.meta)
    assert name is not None
    subtype = subtype_of(name, path.suffix, parts.meta)
    if lost := loss(subtype, parts.meta):
        warn_once(f"{name}: {lost}")
    if name == "WAV" and 8 * frames * channels > _LARGEST_WAV:
        name = "RF64"
    try:
        opened = soundfile.SoundFile(path, "w", rate, channels, format=name, subtype=subtype)
    except FAILURES as error:
        raise refused(what, channels, rate, f"{name} {subtype}", error) from None
    try:
        with opened as file:
            for block in parts.split(_FRAMES, what):
                file.write(levels_of(parts.of(block), subtype))
    except FAILURES as error:
        raise cannot("written", path, error) from None
    with path.open("rb+") as written:
        forget_time(written)
