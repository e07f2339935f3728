"""Signals that come with the installation: `sample:photo`, `sample:chord` and others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from enas_inr.errors import SignalError
from enas_inr.signals.signal import Signal

_CHORD_RATE = 16_000  # frames per second
_CHORD_SECONDS = 2
_CHORD_PITCHES = (261.63, 329.63, 392.00)  # Hz: C4, E4, G4
_CHORD_HARMONICS = 4
_CHORD_DECAY = 1.5  # 1/s
_CHORD_PEAK = 0.9


@dataclass(frozen=True)
class Sample:
    """A signal that comes with the installation.

    Attributes:
        name: the part after `sample:`.
        modality: name of its modality.
        summary: one line for people.
        make: returns the signal, or the path of a file for its modality; raises SignalError if
            that file is not installed.
    """

    name: str
    modality: str
    summary: str
    make: Callable[[], Path | Signal]


def _packaged(package: str, path: str, hint: str) -> Callable[[], Path]:
    """Find a file of an installed package without importing the package."""

    def locate() -> Path:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            file = Path(folder, path)
            if file.is_file():
                return file
        raise SignalError(f"{Path(path).name} of {package} is not installed", hint)

    return locate


_photo = _packaged(
    "matplotlib",
    "mpl-data/sample_data/grace_hopper.jpg",
    "reinstall matplotlib from its wheel, or give an image of your own",
)


def _extra(name: str) -> Callable[[], Path]:
    return _packaged(
        "skimage", f"data/{name}.png", "install the extra: pip install 'enas-inr[samples]'"
    )


def _chord() -> Signal:
    time = np.arange(_CHORD_SECONDS * _CHORD_RATE) / _CHORD_RATE
    tones = sum(
        np.sin(2 * np.pi * harmonic * pitch * time) / harmonic
        for pitch in _CHORD_PITCHES
        for harmonic in range(1, _CHORD_HARMONICS + 1)
    )
    wave = tones * np.exp(-_CHORD_DECAY * time)
    wave *= _CHORD_PEAK / np.abs(wave).max()
    # Rounded to 16 bits, so that the last bits of a platform's sine cannot change the fingerprint,
    # and a PCM_16 file holds the chord exactly.
    values = (np.round(wave * 2**15) / 2**15).astype(np.float32)
    return Signal(
        values=torch.from_numpy(values).unsqueeze(-1),
        modality="audio",
        name="chord",
        sample_rate=_CHORD_RATE,
        meta={"format": "WAV", "subtype": "PCM_16"},
    )


SAMPLES: Mapping[str, Sample] = MappingProxyType(
    {
        sample.name: sample
        for sample in (
            Sample(
                "photo", "image", "a portrait of Grace Hopper, 512x600 RGB, public domain", _photo
            ),
            Sample(
                "astronaut",
                "image",
                "Eileen Collins, 512x512 RGB, public domain (extra `samples`)",
                _extra("astronaut"),
            ),
            Sample(
                "coffee",
                "image",
                "a cup of coffee, 600x400 RGB, CC0 (extra `samples`)",
                _extra("coffee"),
            ),
            Sample("cat", "image", "a cat, 451x300 RGB, CC0 (extra `samples`)", _extra("chelsea")),
            Sample("chord", "audio", "a decaying C major chord, 2 s at 16 kHz, mono", _chord),
        )
    }
)
"""The samples by name."""
