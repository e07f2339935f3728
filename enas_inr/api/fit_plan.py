"""What is left to do of a fit of many signals, in groups that fit into the memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from enas_inr.api.fit_spec import FitSpecs
from enas_inr.api.fit_summary import FitRow, FitStatus
from enas_inr.api.reading import take_signal
from enas_inr.errors import (
    EnasInrError,
    ModelError,
    PluginError,
    SignalError,
    SpecError,
    TrainingError,
    one_line,
)
from enas_inr.model.file import SUFFIX, read_header
from enas_inr.model.fit_checkpoint import HINT, checkpoint_of, identities_in
from enas_inr.model.fitting import Expected, FitSpec, identity_of
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.loading import SAMPLE_PREFIX
from enas_inr.signals.sets import find_sources, names_of, numbered
from enas_inr.signals.signal import Signal
from enas_inr.spec import SignalInfo
from enas_inr.spec.budget import Precision
from enas_inr.studies.settings import SetSettings, SignalSettings
from enas_inr.validation import counted

GROUP_BYTES = 2**28
"""Memory of the signals and networks of a group, about."""

VALUES, NUMBERS = 6, 8
"""Copies of the samples of a signal (with margins), and of the numbers of its networks: weights,
moments, the best and the latest weights, and what is written."""


@dataclass(frozen=True)
class Recipe:
    """What all fits of a call share.

    Attributes:
        catalog: the plugins.
        reading: how signals are read.
        precision: precision of the stored numbers.
        device: where they are trained.
        states: folder of the states of searches.
    """

    catalog: Catalog
    reading: SignalSettings
    precision: Precision
    device: str
    states: Path | None = None

    def read(self, source: str | Signal) -> Signal:
        """Read a signal; raises as `take_signal`."""
        return take_signal(self.catalog, source, self.reading, default="none")


@dataclass(frozen=True, eq=False)
class Member:
    """A signal of the set that can be fitted.

    Attributes:
        number: its place in the set.
        name: its name in the set.
        source: where it is read, or the signal itself.
        info: its metadata.
        path: its model file.
        expected: what the header of that says if it is what the fit would make.
    """

    number: int
    name: str
    source: str | Signal
    info: SignalInfo
    path: Path
    expected: Expected

    @cached_property
    def bytes(self) -> int:
        """The memory of its training, about."""
        values = 4 * self.info.samples * self.info.channels
        return VALUES * values + NUMBERS * self.expected.bytes

    @cached_property
    def identity(self) -> str:
        """The beginning of its identity in a checkpoint."""
        return identity_of(self.expected.spec, self.info)

    @property
    def spec(self) -> FitSpec:
        """What is fitted to it."""
        return self.expected.spec

    def row(self, status: FitStatus, **known: Any) -> FitRow:
        """Return its row."""
        return FitRow(self.name, str(self.path), status, **known)

    def failed(self, error: Exception) -> FitRow:
        """Return its row after it has failed."""
        message = str(error) if isinstance(error, EnasInrError) else one_line(error)
        return self.row(FitStatus.FAILED, message=message)

    def kept(self, status: FitStatus, seconds: float | None = None) -> FitRow | None:
        """Return its row if its file is what the fit would make, or None."""
        if self.differences():
            return None
        psnr = read_header(self.path).metrics.get("psnr_db")
        db = float(psnr) if isinstance(psnr, (int, float)) else None
        return self.row(status, psnr_db=db, bytes=self.path.stat().st_size, seconds=seconds)

    def differences(self) -> list[str]:
        """Return what differs in its file from what the fit would make; `file` if all does."""
        try:
            return self.expected.differences(read_header(self.path))
        except (ModelError, SignalError):
            return ["file"]


@dataclass(frozen=True, eq=False)
class Group:
    """Signals that are fitted together.

    Attributes:
        number: its number, from 1.
        members: the signals.
        checkpoint: the file from which it goes on.
    """

    number: int
    members: tuple[Member, ...]
    checkpoint: Path

    @property
    def title(self) -> str:
        """A name for people: that of the task in Ray's dashboard."""
        more = len(self.members) - 1
        rest = f" and {more} more" if more else ""
        return f"fit {self.number:04} {self.members[0].name}{rest}"

    def absolute(self) -> Group:
        """Return the same with absolute paths, for a process in another folder."""
        members = [
            replace(
                member,
                source=os.path.abspath(member.source)
                if isinstance(member.source, str) and not member.source.startswith(SAMPLE_PREFIX)
                else member.source,
                path=member.path.absolute(),
            )
            for member in self.members
        ]
        return Group(self.number, tuple(members), self.checkpoint.absolute())


@dataclass(frozen=True, eq=False)
class Scanned:
    """The signals of a set, each of which was read once.

    Attributes:
        members: those that can be fitted.
        failed: rows of the others, by their place in the set.
        names: the names of all of them.
        complete: False if the reading was stopped; `names` then has those that may follow.
    """

    members: tuple[Member, ...]
    failed: Mapping[int, FitRow]
    names: tuple[str, ...]
    complete: bool = True


def scan(
    named: Sequence[str | Path | Signal],
    settings: SetSettings,
    recipe: Recipe,
    specs: FitSpecs,
    folder: Path,
    say: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> Scanned:
    """Find the signals of a set, read each of them once, and say what is to be fitted to it.

    Raises:
        SignalError: there is no signal.
        SpecError: a setting is not valid, or a signal is named twice.
    """
    sources, names = _found(named, settings, recipe.catalog, say)
    members: list[Member] = []
    failed: dict[int, FitRow] = {}
    kept: list[str] = []
    seen: dict[tuple[object, ...], str] = {}
    expected = _Expectations(recipe, specs, {})
    for name, source in zip(names, sources, strict=True):
        if should_stop():
            return Scanned(tuple(members), failed, (*kept, *names[len(kept) :]), complete=False)
        number, path = len(kept), folder / f"{name}{SUFFIX}"
        try:
            info = _info(recipe, source)
            first = seen.setdefault(info.identity, name)
            if settings.skip_bad and first != name:
                raise SignalError(f"{name} is the same as {first}")
        except (SignalError, PluginError) as error:
            if isinstance(error, SignalError) and settings.skip_bad:
                say(f"left out: {error}")
                continue
            failed[number] = _failed(recipe, name, path, error)
        else:
            try:
                members.append(Member(number, name, source, info, path, expected.of(info)))
            except (SpecError, PluginError) as error:
                failed[number] = _failed(recipe, name, path, error)
        kept.append(name)
    if not kept:
        raise SignalError("no signal of the set can be read", "give others")
    return Scanned(tuple(members), failed, tuple(kept))


def _failed(recipe: Recipe, name: str, path: Path, error: EnasInrError) -> FitRow:
    if isinstance(error, PluginError) and recipe.catalog.strict:
        raise error
    return FitRow(name, str(path), FitStatus.FAILED, message=str(error))


def _info(recipe: Recipe, source: str | Signal) -> SignalInfo:
    """Read a signal; its values are forgotten here."""
    return recipe.read(source).info()


def _found(
    named: Sequence[str | Path | Signal],
    settings: SetSettings,
    catalog: Catalog,
    say: Callable[[str], None],
) -> tuple[Sequence[str | Signal], Sequence[str]]:
    """Return the sources of the signals, and a name for each, from which its file is named."""
    texts = [str(one) for one in named if isinstance(one, (str, Path))]
    signals = [one for one in named if isinstance(one, Signal)]
    if len(texts) + len(signals) < len(named) or (texts and signals):
        raise SpecError(
            f"a set of {len(texts)} names and {len(named) - len(texts)} others",
            "give either files, folders and samples, or Signals",
        )
    if signals:
        signals = signals[: settings.limit]
        return signals, numbered([_file_name(signal.name) for signal in signals])
    found = find_sources(catalog, texts, settings.limit, skip_bad=settings.skip_bad)
    for line in found.left_out:
        say(line)
    return found.sources, names_of(found.sources)


def _file_name(name: str) -> str:
    """Return the name of a signal as that of a file below a folder."""
    parts = [part for part in name.replace(os.sep, "/").split("/") if part.strip(".")]
    return "/".join(parts) or "signal"


@dataclass(frozen=True, eq=False)
class _Expectations:
    """What is fitted to a signal depends only on its shape, by which it is kept."""

    recipe: Recipe
    specs: FitSpecs
    known: dict[tuple[object, ...], Expected | EnasInrError]

    def of(self, info: SignalInfo) -> Expected:
        """Return what is expected of a fit of a signal.

        Raises:
            SpecError, PluginError: it cannot be fitted.
        """
        shape = (info.shape, info.channels, info.sample_rate)
        if shape not in self.known:
            spec = self.specs((*info.shape, info.channels))
            try:
                known = Expected.of(info, spec, self.recipe.catalog, self.recipe.precision)
                self.known[shape] = known
            except EnasInrError as error:
                self.known[shape] = error
        found = self.known[shape]
        if isinstance(found, EnasInrError):
            raise found
        return replace(found, signal=info.identity)


def left_to_fit(
    members: Sequence[Member], before: Mapping[str, float], *, force: bool
) -> tuple[list[Member], dict[int, FitRow]]:
    """Return the signals that are left to fit, and the rows of the others, whose files are kept.

    Args:
        members: all signals.
        before: seconds of the fits by name, as far as they are known.
        force: whether files may be overwritten.

    Raises:
        ModelError: files differ from what would be fitted, and must not be overwritten.
    """
    left: list[Member] = []
    rows: dict[int, FitRow] = {}
    differing: list[tuple[Member, list[str]]] = []
    for member in members:
        if not member.path.exists():
            left.append(member)
        elif row := member.kept(FitStatus.KEPT, before.get(member.name)):
            rows[member.number] = row
        else:
            differing.append((member, member.differences()))
            left.append(member)
    if differing and not force:
        first, names = differing[0]
        more = len(differing) - 1
        verb = "is" if more == 1 else "are"
        others = f", and so {verb} {counted(more, 'other file')}" if more else ""
        raise ModelError(
            f"{str(first.path)!r} is of another fit (other {', '.join(names)}){others}",
            "give --force to fit them again, or another folder",
        )
    return left, rows


def groups_of(
    left: Sequence[Member], *, most: int | None = None, force: bool = False
) -> tuple[list[Group], dict[int, EnasInrError]]:
    """Divide signals into groups; those that were interrupted together stay together.

    Args:
        left: the signals.
        most: largest number of signals in a new group; None for as many as fit into the memory.
        force: whether checkpoints of other fits may be removed.

    Returns:
        The groups; and errors of signals whose checkpoints cannot be used, by their numbers.
    """
    groups: list[tuple[list[Member], Path]] = []
    errors: dict[int, EnasInrError] = {}
    placed: set[int] = set()
    for member in left:
        path = checkpoint_of(member.path)
        if not path.exists():
            continue
        try:
            begun = {identity.partition("-")[0] for identity in identities_in(path)}
            mine = [one for one in left if one.identity in begun and one.number not in placed]
            if not mine and member.identity not in begun:
                raise TrainingError(f"checkpoint {str(path)!r} belongs to another fit", HINT)
        except (SignalError, TrainingError) as error:
            if not force:
                errors[member.number] = error
                continue
            mine = []
        if mine:
            placed.update(one.number for one in mine)
            groups.append((mine, path))
        else:
            path.unlink()
    new = [one for one in left if one.number not in placed and one.number not in errors]
    groups += [(some, checkpoint_of(some[0].path)) for some in _within_memory(new, most)]
    numbers = enumerate(groups, start=1)
    return [Group(n, tuple(some), path) for n, (some, path) in numbers], errors


def _within_memory(members: Sequence[Member], most: int | None) -> Iterator[list[Member]]:
    """Divide signals into groups, beside each other those of equal shape."""
    first: dict[tuple[object, ...], int] = {}
    for member in members:
        first.setdefault((member.info.shape, member.info.channels), member.number)
    some: list[Member] = []
    for member in sorted(members, key=lambda one: first[one.info.shape, one.info.channels]):
        size = sum(one.bytes for one in some) + member.bytes
        if some and (size > GROUP_BYTES or len(some) == most):
            yield some
            some = []
        some.append(member)
    if some:
        yield some
