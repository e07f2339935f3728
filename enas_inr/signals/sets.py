"""Sets of signals: find what a user has named, and read it one signal at a time."""

from __future__ import annotations

import errno
import glob
import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from enas_inr.errors import SignalError, SpecError
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.files import cannot, read_bytes
from enas_inr.signals.loading import SAMPLE_PREFIX, modality_of
from enas_inr.signals.samples import SAMPLES
from enas_inr.signals.series import is_series
from enas_inr.validation import counted, nearest

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal
    from enas_inr.spec import SignalInfo

GROUP_PREFIX = "samples:"
"""Sources that begin so name all samples of a group, such as `samples:photos`."""

LIST_SUFFIX = ".txt"
"""The suffix of a list of paths."""

KEPT_BYTES = 2**25
"""Signals that are kept in memory after they were read, all together."""

MOST_NAMED = 3  # names in a message


@dataclass(frozen=True)
class Found:
    """The signals that were found by their names.

    Attributes:
        sources: paths of files and names of samples, each once, in the order in which they were
            named; those of a folder in the order of their paths.
        left_out: a line about each kind of file that was left out.
    """

    sources: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def is_set(named: Sequence[str]) -> bool:
    """Whether names are those of a set of signals, even if it has a single one.

    Raises:
        SignalError: a name is none that a file can have.
    """
    for name in named:
        _check_possible(name)
    return len(named) != 1 or (
        named[0].startswith(GROUP_PREFIX)
        or named[0].lower().endswith(LIST_SUFFIX)
        or (Path(named[0]).is_dir() and not is_series(Path(named[0])))
        or _is_pattern(named[0])
    )


def find_sources(
    catalog: Catalog,
    named: Sequence[str],
    limit: int | None = None,
    *,
    skip_bad: bool = False,
    modality: str | None = None,
) -> Found:
    """Find the signals of a set.

    Args:
        catalog: the plugins, which decide which files are signals.
        named: files, folders (with those inside them), patterns such as `photos/*.jpg`, text files
            of paths, samples such as `sample:photo`, and all samples of a kind: `samples:photos`.
        limit: number of signals to take, the first ones; None for all.
        skip_bad: leave out what is named twice, instead of refusing it.
        modality: the modality that reads all files; None to decide by their suffixes. Then files
            that are named, also by a pattern, may have any suffix.

    Raises:
        SignalError: nothing was found, or signals of several modalities.
        SpecError: the limit is not positive, or a signal is named twice.
    """
    if limit is not None and limit < 1:
        raise SpecError(f"limit {limit} is not positive", "give at least 1, or leave it out")
    found: dict[str, str] = {}
    left_out: list[str] = []
    for name in named:
        _check_possible(name)
        for source in _expanded(catalog, name, left_out, any_suffix=modality is not None):
            _check_possible(source)
            identity = source if source.startswith(SAMPLE_PREFIX) else os.path.realpath(source)
            if identity not in found:
                found[identity] = source
            elif skip_bad:
                left_out.append(f"{source} is left out, since it is named twice")
            else:
                raise SpecError(f"signal {source!r} is named twice", "name it once, or --skip-bad")
    sources = tuple(found.values())[:limit]
    if modality is None:
        _check_modality(catalog, sources)
    return Found(sources, tuple(left_out))


def names_of(sources: Sequence[str]) -> tuple[str, ...]:
    """Return a short name for each source: the first that tells all of them apart.

    It is the stem of the file, its name, or its path below the folder that all have in common.
    """
    paths = [Path(source.removeprefix(SAMPLE_PREFIX)) for source in sources]
    files = [Path(os.path.abspath(path)) for path in paths]
    common = os.path.commonpath([file.parent for file in files]) if files else ""
    below = [file.relative_to(common) for file in files]
    for names in (
        [path.stem for path in paths],
        [path.name for path in paths],
        [path.with_suffix("").as_posix() for path in below],
    ):
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(path.as_posix() for path in below)


def numbered(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of which equal ones get a number: `a`, `a-2`."""
    counts: Counter[str] = Counter()
    found: dict[str, None] = {}
    for name in names:
        counts[name] += 1
        unique = name if counts[name] == 1 else f"{name}-{counts[name]}"
        while unique in found:  # as in `a-2`, `a`, `a`
            counts[name] += 1
            unique = f"{name}-{counts[name]}"
        found[unique] = None
    return tuple(found)


@dataclass(frozen=True, eq=False)
class SignalSet(Sequence["Signal"]):
    """Signals of one modality, which are read when they are needed.

    Attributes:
        infos: their metadata, with a name of its own for each.
        read: reads the signal of a number.
        kept: signals that were read last, of `KEPT_BYTES` together at most.
    """

    infos: tuple[SignalInfo, ...]
    read: Callable[[int], Signal]
    kept: OrderedDict[int, Signal] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __len__(self) -> int:
        return len(self.infos)

    def those(self, numbers: Sequence[int]) -> SignalSet:
        """Return the set of the signals with these numbers, in their order."""
        infos = tuple(self.infos[number] for number in numbers)
        return SignalSet(infos, lambda number: self.read(numbers[number]))

    def __getitem__(self, number: int) -> Signal:  # type: ignore[override]
        """Return a signal, which is read again if it has changed in the meantime.

        Raises:
            IndexError: there is no such number.
            SignalError: it cannot be read any more, or holds other values than before.
        """
        info = self.infos[number]
        with self._lock:
            if number in self.kept:
                self.kept.move_to_end(number)
                return self.kept[number]
        signal = self.read(number)
        if signal.info().identity != info.identity:
            raise SignalError(
                f"signal {info.name!r} has changed since it was first read",
                "run the command again, with the file as it was or as another study",
            )
        with self._lock:
            self.kept[number] = signal
            while len(self.kept) > 1 and sum(map(_bytes, self.kept.values())) > KEPT_BYTES:
                self.kept.popitem(last=False)
        return signal


def _bytes(signal: Signal) -> int:
    return signal.values.numel() * signal.values.element_size()


def _check_possible(name: str) -> None:
    """Refuse a name that no file can have, of which the system calls would complain."""
    try:
        os.lstat(name)
    except ValueError as error:
        raise cannot("read", Path(name), error) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise cannot("read", Path(name), error) from None


def _is_pattern(name: str) -> bool:
    return glob.has_magic(name) and not Path(name).exists()


def _expanded(
    catalog: Catalog, name: str, left_out: list[str], *, any_suffix: bool
) -> Iterable[str]:
    """Return the sources that a name means."""
    if name.startswith(GROUP_PREFIX):
        return _samples(name)
    if name.startswith(SAMPLE_PREFIX):
        return [name]
    path = Path(name)
    if is_series(path):
        return [name]
    if path.is_dir():
        return _readable(catalog, name, _files_in(path), left_out)
    if _is_pattern(name):
        matching = [
            file for file in sorted(glob.glob(name, recursive=True)) if Path(file).is_file()
        ]
        if any_suffix and matching:
            return matching
        return _readable(catalog, name, matching, left_out)
    if name.lower().endswith(LIST_SUFFIX) and LIST_SUFFIX not in catalog.suffixes:
        return list(_listed(path))
    return [name]


def _files_in(folder: Path) -> Iterator[str]:
    """Iterate over the files in a folder and those below it, without hidden folders."""
    for here, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            yield os.path.join(here, name)


def _samples(name: str) -> list[str]:
    group = name.removeprefix(GROUP_PREFIX)
    groups = {one for sample in SAMPLES.values() for one in sample.groups}
    if group not in groups:
        raise SignalError(f"unknown samples {group!r}", nearest(group, groups))
    return [SAMPLE_PREFIX + one.name for one in SAMPLES.values() if group in one.groups]


def _listed(path: Path) -> Iterator[str]:
    """Iterate over the lines of a text file; paths are relative to its folder."""
    try:
        lines = read_bytes(path).decode().splitlines()
    except UnicodeDecodeError:
        raise SignalError(f"{str(path)!r} is not a text", "give a text file of paths") from None
    for line in map(str.strip, lines):
        if line.startswith(SAMPLE_PREFIX):
            yield line
        elif line and not line.startswith("#"):
            yield os.path.join(path.parent, line)


def _readable(catalog: Catalog, name: str, files: Iterable[str], left_out: list[str]) -> list[str]:
    """Return the files that a modality reads; hidden ones are passed over."""
    suffixes = tuple(catalog.suffixes)
    found: list[str] = []
    others: list[str] = []
    for file in files:
        base = os.path.basename(file)
        if not base.startswith("."):
            reads = base.lower().endswith(suffixes)
            (found if reads else others).append(file)
    if not found:
        what = "folder" if Path(name).is_dir() else "pattern"
        has = f" among {counted(len(others), 'file')}" if others else ""
        raise SignalError(
            f"{what} {name!r} has no signals{has}",
            f"give files with one of: {', '.join(suffixes)}",
        )
    if others:
        verb = "is" if len(others) == 1 else "are"
        left_out.append(
            f"{name}: {counted(len(others), 'file')} {verb} left out, since no modality reads "
            f"{'it' if len(others) == 1 else 'them'}: {_some(map(os.path.basename, others))}"
        )
    return found


def _check_modality(catalog: Catalog, sources: Sequence[str]) -> None:
    """Refuse a set of several modalities.

    Raises:
        SignalError: the message names one signal of each.
    """
    modality = cache(partial(modality_of, catalog))  # of thousands of files with one suffix
    kinds = [(modality(_kind(source)), source) for source in sources]
    counts = Counter(kind for kind, _ in kinds)
    if len(counts) > 1:
        first = dict(reversed(kinds))
        each = ", ".join(f"{n} {kind} ({first[kind]})" for kind, n in counts.most_common())
        raise SignalError(
            f"the set has signals of {len(counts)} modalities: {each}", "give those of one"
        )


def _kind(source: str) -> str:
    """Return a sample or a folder, or the end of a path that decides the modality of a file."""
    if source.startswith(SAMPLE_PREFIX) or os.path.isdir(source):
        return source
    _, dot, suffixes = os.path.basename(source).partition(".")
    return "file" + dot + suffixes


def _some(names: Iterable[str]) -> str:
    """Return the first of some names for a message."""
    every = list(names)
    more = len(every) - MOST_NAMED
    return ", ".join(every[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
