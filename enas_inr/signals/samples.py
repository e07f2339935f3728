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

PHOTOS, PICTURES = "photos", "pictures"

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
        groups: sets of samples to which it belongs, such as `photos`.
    """

    name: str
    modality: str
    summary: str
    make: Callable[[], Path | Signal]
    groups: tuple[str, ...] = ()


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


def _extra(name: str, file: str, summary: str, groups: tuple[str, ...] = (PICTURES,)) -> Sample:
    """Return an image that comes with scikit-image."""
    hint = "install the extra: pip install 'enas-inr[samples]'"
    make = _packaged("skimage", f"data/{file}", hint)
    return Sample(name, "image", f"{summary} (extra `samples`)", make, groups)


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


BOTH = (PHOTOS, PICTURES)

SAMPLES: Mapping[str, Sample] = MappingProxyType(
    {
        sample.name: sample
        for sample in (
            Sample(
                "photo",
                "image",
                "a portrait of Grace Hopper, 512x600 RGB, public domain",
                _photo,
                BOTH,
            ),
            _extra(
                "astronaut", "astronaut.png", "Eileen Collins, 512x512 RGB, public domain", BOTH
            ),
            _extra("coffee", "coffee.png", "a cup of coffee, 600x400 RGB, CC0", BOTH),
            _extra("cat", "chelsea.png", "a cat, 451x300 RGB, CC0", BOTH),
            _extra("rocket", "rocket.jpg", "a rocket at night, 640x427 RGB, public domain", BOTH),
            _extra(
                "hubble",
                "hubble_deep_field.jpg",
                "galaxies, 1000x872 RGB, public domain",
                BOTH,
            ),
            _extra("retina", "retina.jpg", "a retina, 1411x1411 RGB, CC0", BOTH),
            _extra(
                "motorcycle", "motorcycle_left.png", "a motorcycle in a garage, 741x500 RGB", BOTH
            ),
            _extra("cameraman", "camera.png", "a man with a camera, 512x512 gray, CC0"),
            _extra("moon", "moon.png", "the moon, 512x512 gray, public domain"),
            _extra("coins", "coins.png", "coins of Pompeii, 384x303 gray"),
            _extra("brick", "brick.png", "bricks, 512x512 gray, CC0"),
            _extra("grass", "grass.png", "grass, 512x512 gray, CC0"),
            _extra("gravel", "gravel.png", "gravel, 512x512 gray, CC0"),
            _extra("tissue", "ihc.png", "stained tissue, 512x512 RGB"),
            _extra("cell", "cell.png", "a cell under the microscope, 550x660 gray, CC0"),
            _extra("clock", "clock_motion.png", "a blurred clock, 400x300 gray, public domain"),
            _extra("page", "page.png", "a scanned page, 384x191 gray"),
            _extra("text", "text.png", "a photographed text, 448x172 gray, public domain"),
            _extra("vessels", "microaneurysms.png", "vessels of an eye, 102x102 gray, CC0"),
            Sample("chord", "audio", "a decaying C major chord, 2 s at 16 kHz, mono", _chord),
        )
    }
)
"""The samples by name."""
