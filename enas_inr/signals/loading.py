"""Load and save a signal by its path or sample name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from pydantic import JsonValue

from enas_inr import hookspecs
from enas_inr.errors import SignalError, SpecError, reworded_warnings, unsaid_warnings
from enas_inr.plugins.catalog import Catalog
from enas_inr.plugins.provider import Conflict
from enas_inr.signals.files import check_is_file, is_stream, replaced
from enas_inr.signals.memory import check_memory
from enas_inr.signals.parts import SMALLER, SignalParts
from enas_inr.signals.pictures.decoding import size_of
from enas_inr.signals.pictures.image import LABELS
from enas_inr.signals.samples import SAMPLES, Sample
from enas_inr.signals.series import is_series
from enas_inr.signals.signal import Modality, Signal
from enas_inr.signals.streaming import STREAMED_FROM, stream_of
from enas_inr.validation import nearest

TRIED = 16  # samples along each axis, to find out whether a format can hold a signal
TRIED_SIDE = 2**17  # samples along the longer side of a picture, more than such formats allow
COPIES = 3  # of its values, which a whole signal needs while it is encoded, about

SAMPLE_PREFIX = "sample:"
"""Sources that begin so name a sample that needs no file."""

MODALITY = "modality"
"""The option that names the modality with which a file is read, whatever its suffix is."""

SERIES_SUFFIX = ".dcm"
"""The suffix of the modality that reads a folder of slices."""

_PACKAGES = {
    "enas-inr-volume": (".nii.gz", ".nii", ".nrrd", ".npy"),
    "enas-inr-volume[dicom]": (SERIES_SUFFIX, ".ima"),
    "enas-inr-video": (".mp4", ".mkv", ".webm", ".mov", ".avi"),
}
"""The packages that read further suffixes."""


def load_signal(
    catalog: Catalog, source: str, options: Mapping[str, JsonValue] | None = None
) -> Signal:
    """Load a signal.

    Args:
        catalog: where the modalities are found; the suffix of the file decides among them.
        source: the path of a file, of a folder of DICOM slices, or `sample:NAME`.
        options: for the modality, such as the image's `size`; None: its defaults. The option
            `modality` names another modality than that of the suffix: `volume` for a TIFF file of
            many pages, or `video` for a GIF file.

    Raises:
        SignalError: an unknown sample or suffix, or a file that is missing or cannot be read.
        SpecError: options that the modality does not take.
        PluginError: two modalities read this suffix, or one of a plugin fails.
    """
    given = dict(options or {})
    if source.startswith(SAMPLE_PREFIX):
        return _load_sample(catalog, source.removeprefix(SAMPLE_PREFIX), given)
    path = Path(source)
    if not is_series(path):
        check_is_file(path)
    name = _chosen(catalog, given) or _modality_of(catalog, path)
    given.pop(MODALITY, None)
    return _read(catalog, name, given, path)


def takes_option(
    catalog: Catalog, source: str, option: str, given: Mapping[str, JsonValue] | None = None
) -> bool:
    """Whether the modality that reads `source` has an option of that name (image: `size`).

    Args:
        catalog: where the modalities are found.
        source: as for `load_signal`.
        option: name of the option.
        given: the options that were given, which may name the modality.
    """
    if chosen := _chosen(catalog, given or {}):
        return option in catalog.option_names("modality", chosen)
    if source.startswith(SAMPLE_PREFIX) and source.removeprefix(SAMPLE_PREFIX) not in SAMPLES:
        return False
    return option in catalog.option_names("modality", modality_of(catalog, source))


def modality_of(catalog: Catalog, source: str) -> str:
    """Return the name of the modality that reads a source.

    Raises:
        SignalError: an unknown sample or suffix.
        PluginError: two modalities read this suffix.
    """
    if source.startswith(SAMPLE_PREFIX):
        return _sample(source.removeprefix(SAMPLE_PREFIX)).modality
    return _modality_of(catalog, Path(source))


def original_size(
    catalog: Catalog, source: str, given: Mapping[str, JsonValue] | None = None
) -> tuple[int, int] | None:
    """Return the width and height of an image before it is resized; None for other signals.

    Args:
        catalog: where the modalities are found.
        source: as for `load_signal`.
        given: the options that were given, which may name the modality.
    """
    if source.startswith(SAMPLE_PREFIX):
        sample = SAMPLES.get(source.removeprefix(SAMPLE_PREFIX))
        made = sample.make() if sample and sample.modality == "image" else None
        return size_of(made) if isinstance(made, Path) else None
    name = _chosen(catalog, given or {}) or _modality_of(catalog, Path(source))
    return size_of(Path(source)) if name == "image" else None


def save_signal(
    catalog: Catalog, signal: Signal | SignalParts, path: str | Path, suffix: str = ""
) -> None:
    """Write a signal with its own modality; the format follows from the suffix.

    Args:
        catalog: the plugins.
        signal: the signal, or its parts. Large ones are written part by part as PNG, TIFF, WAV,
            FLAC and OGG, and need to fit in the memory in other formats.
        path: the file. A pipe, a device or `-`, the standard output, needs no suffix.
        suffix: the suffix that stands for the format of a pipe, a device or `-`; by default that
            of the path, or else the first one of the modality.

    Raises:
        SignalError: the file cannot be written.
        PluginError: the modality, of a plugin, fails.
    """
    target = Path(path)
    described = catalog.describe("modality", signal.modality)
    assert isinstance(described, hookspecs.Modality)
    if is_stream(target):
        with replaced(target, suffix or suffix_of(described, target)) as file, _named(target, file):
            save_signal(catalog, signal, file)
        return
    if isinstance(signal, SignalParts):
        write = stream_of(described, target.suffix.lower())
        if write and signal.bytes >= STREAMED_FROM:
            with replaced(target, target.suffix.lower()) as file, _named(target, file):
                write(signal, file)
            return
        signal = signal.whole()
    _create(catalog, signal.modality, {}).write(signal, target)


@contextmanager
def _named(path: Path, temporary: Path) -> Iterator[None]:
    """Let errors and warnings name a file instead of the temporary one that is written for it."""
    old, new = repr(str(temporary)), repr(str(path))
    try:
        with reworded_warnings(old, new):
            yield
    except SignalError as error:
        raise SignalError(error.what.replace(old, new), error.hint) from None


def suffix_of(described: hookspecs.Modality, path: Path) -> str:
    """Return the suffix that decides the format of a pipe, a device or `-`."""
    name = path.name.lower()
    matching = [suffix for suffix in described.suffixes if name.endswith(suffix)]
    return max(matching, key=len) if matching else (described.suffixes or ("",))[0]


def check_format(catalog: Catalog, signal: SignalParts, path: Path, suffix: str = "") -> None:
    """Refuse a file whose format cannot hold a signal, or not within the memory.

    It writes some samples of the signal to a temporary file.

    Raises:
        SignalError: the message says why, as that of `save_signal`.
        PluginError: the modality, of a plugin, fails.
    """
    described = catalog.describe("modality", signal.modality)
    assert isinstance(described, hookspecs.Modality)
    name = path.name
    if is_stream(path):
        name = f"stream{suffix or suffix_of(described, path)}"
    shape = [min(count, TRIED) for count in signal.shape[:-1]]
    if len(shape) == 2:  # formats of pictures limit the sides
        longer = signal.shape.index(max(signal.shape[:-1]))
        shape[longer] = min(signal.shape[longer], TRIED_SIDE)
    few = replace(signal.of(torch.zeros(*shape, signal.shape[-1])), window=None)
    with TemporaryDirectory() as folder:
        trial = Path(folder, name)
        with _named(path, trial), unsaid_warnings():  # they name the temporary file
            save_signal(catalog, few, trial)
    if signal.bytes < STREAMED_FROM or stream_of(described, Path(name).suffix.lower()):
        return
    what = f"{str(path)!r}: {signal.size} samples as {Path(name).suffix!r}"
    check_memory(COPIES * signal.bytes, what, f"{SMALLER}; .png, .tif and .wav need little")


def _load_sample(catalog: Catalog, name: str, options: dict[str, JsonValue]) -> Signal:
    if MODALITY in options:
        raise _not_applicable({MODALITY: None}, f"{SAMPLE_PREFIX}{name}")
    sample = _sample(name)
    made = sample.make()
    if isinstance(made, Path):
        read = _read(catalog, sample.modality, options, made)
        # What the authors of the file noted besides its pixels only makes models larger.
        meta = {key: value for key, value in read.meta.items() if key not in LABELS}
        return replace(read, name=sample.name, meta=meta)
    if options:
        raise _not_applicable(options, f"{SAMPLE_PREFIX}{name}")
    return made


def _sample(name: str) -> Sample:
    if name not in SAMPLES:
        raise SignalError(f"unknown sample {name!r}", nearest(name, SAMPLES))
    return SAMPLES[name]


def _chosen(catalog: Catalog, given: Mapping[str, JsonValue]) -> str | None:
    """Return the modality that the options name.

    Raises:
        SpecError: there is no such modality; the message names the nearest.
    """
    name = given.get(MODALITY)
    if name is None:
        return None
    catalog.describe("modality", str(name))
    return str(name)


def _modality_of(catalog: Catalog, path: Path) -> str:
    # By the end of the name, so that a plugin may read `.nii.gz`; the longest suffix decides.
    name = SERIES_SUFFIX if is_series(path) else path.name.lower()
    matching = [suffix for suffix in catalog.suffixes if name.endswith(suffix)]
    if not matching:
        for package, suffixes in _PACKAGES.items():
            if name.endswith(suffixes):
                raise SignalError(
                    f"no installed package reads {str(path)!r}",
                    f"install the one that does: pip install '{package}'",
                )
        raise SignalError(
            f"no modality reads {str(path)!r} (suffix {path.suffix!r})",
            f"give a file with one of: {', '.join(catalog.suffixes) or '-'}",
        )
    found = catalog.reading(max(matching, key=len))
    if isinstance(found, Conflict):
        raise found.error()
    return found


def _read(catalog: Catalog, name: str, options: dict[str, JsonValue], path: Path) -> Signal:
    return _create(catalog, name, options).read(path)


def _create(catalog: Catalog, name: str, options: dict[str, JsonValue]) -> Modality:
    if options and catalog.describe("modality", name).options is None:
        raise _not_applicable(options, name)
    modality: Modality = catalog.create("modality", name, options=options)
    return modality


def _not_applicable(options: Mapping[str, JsonValue], to: str) -> SpecError:
    keys = ", ".join(repr(key) for key in options)
    verb, them = ("does", "it") if len(options) == 1 else ("do", "them")
    return SpecError(f"{keys} {verb} not apply to {to}", f"leave {them} out")
