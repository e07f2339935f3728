"""Read the signal that a user has named or given."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from enas_inr.errors import SignalError, SpecError
from enas_inr.executors.base import TrialProgress
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.options import PAPER_SIZE, parse_size
from enas_inr.signals.outputs import file_name
from enas_inr.studies.settings import SetSettings, SignalSettings
from enas_inr.validation import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal
    from enas_inr.spec import SignalInfo

    Given: TypeAlias = str | os.PathLike[str] | Signal | NDArray[Any] | Tensor | Image.Image
    """What names or is one signal."""


def take_signal(
    catalog: Catalog,
    signal: Given,
    settings: SignalSettings,
    default: str = PAPER_SIZE,
) -> Signal:
    """Read a signal from its name, or check a given one.

    Args:
        catalog: the plugins.
        signal: a file, a sample, a Signal, or an array, tensor or picture of Pillow (see
            `enas_inr.signals.arrays`).
        settings: settings for reading a file, or of an array.
        default: default size of images, see `read_signal`.

    Raises:
        SignalError: the signal cannot be read, or its values are not valid.
        SpecError: a setting is not valid or does not apply, or `signal` is of another type.
    """
    from enas_inr.signals.signal import Signal

    if isinstance(signal, (str, os.PathLike)):
        _refuse(settings, "a file", *_OF_ARRAYS)
        path = os.fspath(signal)
        return read_signal(catalog, path, settings.size, default, settings.signal_options)
    if not isinstance(signal, Signal):
        signal = _of_array(signal, settings)
    else:
        _refuse(settings, "a Signal", *_OF_ARRAYS)
    if settings.size is not None and parse_size(str(settings.size)) is not None:
        raise SpecError(f"size {settings.size!r} does not apply to a Signal", "resize it before")
    if settings.signal_options:
        raise SpecError("signal_options do not apply to a Signal", "give a file, or leave them out")
    catalog.describe("modality", signal.modality)
    signal.check()
    return signal


_OF_ARRAYS = ("sample_rate", "range", "modality")


def _of_array(given: object, settings: SignalSettings) -> Signal:
    from enas_inr.signals.arrays import is_array, signal_of

    if not is_array(given):
        raise refused_type(
            "a signal",
            given,
            "give a file, a sample such as sample:photo, a NumPy array, a tensor, a picture of "
            "Pillow, or an enas_inr.Signal",
        )
    rate, limits, modality = (getattr(settings, name) for name in _OF_ARRAYS)
    return signal_of(given, sample_rate=rate, limits=limits, modality=modality)  # type: ignore[arg-type]


def refused_type(what: str, given: object, hint: str) -> SpecError:
    """Return the error for something of a type that cannot be taken."""
    return SpecError(f"{what} cannot be of type {type(given).__name__}", hint)


def _refuse(settings: SignalSettings, what: str, *names: str) -> None:
    for name in names:
        if getattr(settings, name) is not None:
            raise SpecError(f"{name} does not apply to {what}", "leave it out")


def is_one(given: Given | Sequence[Given] | SignalSet) -> TypeGuard[Given]:
    """Whether a single signal was named or given, not a set."""
    from enas_inr.signals.sets import is_set

    if isinstance(given, (str, os.PathLike)):
        return not is_set([os.fspath(given)])
    return not isinstance(given, Sequence)


def refuse_set_settings(settings: SetSettings, *others: str) -> None:
    """Refuse settings of a set for a single signal.

    Raises:
        SpecError: one of them is given.
    """
    for name in (*SetSettings.own(), *others):
        if name in settings.model_fields_set:
            raise SpecError(f"{name} is for sets of signals", "leave it out, or give several")


def sources_of(
    catalog: Catalog,
    named: Sequence[Given],
    settings: SetSettings,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Sequence[str | Signal], Sequence[str]]:
    """Return the sources of the signals of a set, and a name for each that a file can have.

    Args:
        catalog: the plugins.
        named: names as for `enas_inr.signals.sets.find_sources`, or Signals, or arrays.
        settings: how many are taken, and whether what is named twice is left out.
        say: called with a line about what was left out.

    Raises:
        SignalError: there is no signal.
        SpecError: a signal is named twice, or there are names and others.
    """
    from enas_inr.signals.loading import MODALITY
    from enas_inr.signals.sets import find_sources, names_of, numbered

    names = [os.fspath(one) for one in named if isinstance(one, (str, os.PathLike))]
    if names and len(names) < len(named):
        raise SpecError(
            f"a set of {counted(len(names), 'name')} and "
            f"{counted(len(named) - len(names), 'other object')}",
            "give either files, folders and samples, or Signals",
        )
    if not names:
        from enas_inr.signals.signal import Signal

        signals = [
            one if isinstance(one, Signal) else _of_array(one, settings)
            for one in named[: settings.limit]
        ]
        return signals, numbered([_file_name(getattr(one, "name", "")) for one in signals])
    found = find_sources(
        catalog,
        names,
        settings.limit,
        skip_bad=settings.skip_bad,
        modality=(settings.signal_options or {}).get(MODALITY),
    )
    for line in found.left_out:
        say(line)
    return found.sources, names_of(found.sources)


def _file_name(name: str) -> str:
    """Return the name of a signal as that of a model file below a folder, without its suffix."""
    from enas_inr.model.file import SUFFIX

    parts = [part for part in name.replace(os.sep, "/").split("/") if part.strip(".")]
    return "/".join(file_name(part, SUFFIX).removesuffix(SUFFIX) for part in parts) or "signal"


def reading(done: int, of: int) -> TrialProgress:
    """Return the progress of reading a set."""
    return TrialProgress(None, f"reading {counted(of, 'signal')}", done / of, 0, None)


def take_set(
    catalog: Catalog,
    named: Given | Sequence[Given] | SignalSet,
    settings: SetSettings,
    default: str = PAPER_SIZE,
    say: Callable[[str], None] = lambda line: None,
    on_progress: Callable[[TrialProgress], None] = lambda progress: None,
) -> SignalSet:
    """Find the signals of a set, and read each of them once.

    Args:
        catalog: the plugins.
        named: files, folders, patterns, text files of paths, samples and groups of samples (see
            `enas_inr.signals.sets.find_sources`), or Signals, or a set that was read before.
        settings: how the signals are read, how many, and whether bad ones are left out.
        default: default size of images, see `read_signal`.
        say: called with a line about what was left out.
        on_progress: called before each signal is read.

    Raises:
        SignalError: there is no signal, one cannot be read, or two have the same values.
        SpecError: a setting is not valid, or a signal is named twice.
    """
    from enas_inr.signals.sets import SignalSet

    if isinstance(named, SignalSet):
        return named.those(range(len(named))[: settings.limit])
    if not isinstance(named, Sequence) or isinstance(named, (str, os.PathLike)):
        named = [named]
    sources, short = sources_of(catalog, named, settings, say)
    infos: dict[tuple[object, ...], SignalInfo] = {}
    kept: list[str | Signal] = []
    for name, source in zip(short, sources, strict=True):
        on_progress(reading(len(kept), len(sources)))
        try:
            info = take_signal(catalog, source, settings, default).info()
            if info.identity in infos:
                raise SignalError(
                    f"signals {infos[info.identity].name!r} and {name!r} are the same",
                    "give it once",
                )
        except SignalError as error:
            if not settings.skip_bad:
                raise SignalError(str(error), "or leave it out with --skip-bad") from None
            say(f"left out: {error}")
            continue
        infos[info.identity] = info.model_copy(update={"name": name})
        kept.append(source)
    if not infos:
        raise SignalError("no signal of the set can be read", "give others")
    return SignalSet(
        tuple(infos.values()),
        lambda number: take_signal(catalog, kept[number], settings, default),
    )


def read_signal(
    catalog: Catalog,
    source: str,
    size: str | int | float | None,
    default: str = PAPER_SIZE,
    options: Mapping[str, Any] | None = None,
) -> Signal:
    """Read a signal and resize it to `size`: `128` (a square), `WxH` or `none`.

    If `size` is None, signals that can be resized get the size `default`.

    Args:
        catalog: the plugins.
        source: a file or a sample.
        size: size of an image, as above.
        default: size of an image if `size` is None.
        options: other options of the modality.

    Raises:
        SignalError: it cannot be read.
        SpecError: `size` is not valid or does not apply, or an option is not valid.
    """
    from enas_inr.signals.loading import load_signal, takes_option

    given = dict(options or {})
    resizes = takes_option(catalog, source, "size", given)
    if size is None and ("size" in given or not resizes):
        return load_signal(catalog, source, given)
    if not resizes and parse_size(str(size)) is None:
        return load_signal(catalog, source, given)  # `none` is what it has
    if not resizes:
        raise SpecError(f"size {size} does not apply to {source}", "leave it out")
    if "size" in given:
        raise SpecError(f"size {size!r} and the option size {given['size']!r}", "give one of them")
    width_height = parse_size(default if size is None else str(size))
    return load_signal(
        catalog, source, given | {"size": list(width_height) if width_height else None}
    )
