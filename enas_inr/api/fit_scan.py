"""The signals of a set that are to be fitted, each of which is read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from enas_inr.api.fit_spec import FitSpecs
from enas_inr.api.fit_summary import FitRow, FitStatus
from enas_inr.api.reading import reading, sources_of, take_signal
from enas_inr.errors import (
    EnasInrError,
    ModelError,
    PluginError,
    SignalError,
    SpecError,
    one_line,
)
from enas_inr.executors.base import TrialProgress
from enas_inr.model.file import SUFFIX, read_header
from enas_inr.model.fitting import Expected, FitSpec, identity_of, scaling_of
from enas_inr.model.start import Start
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.outputs import check_name
from enas_inr.signals.signal import Signal
from enas_inr.spec import SignalInfo
from enas_inr.spec.budget import Limit, Precision
from enas_inr.studies.settings import SetSettings, SignalSettings

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
        start: weights from which all fits start.
        limit: of the bytes of a model file; None for none.
    """

    catalog: Catalog
    reading: SignalSettings
    precision: Precision
    device: str
    states: Path | None = None
    start: Start | None = None
    limit: Limit | None = None

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
    on_progress: Callable[[TrialProgress], None] = lambda progress: None,
) -> Scanned:
    """Find the signals of a set, read each of them once, and say what is to be fitted to it.

    Raises:
        SignalError: there is no signal.
        SpecError: a setting is not valid, or a signal is named twice.
    """
    sources, names = sources_of(recipe.catalog, named, settings, say)
    members: list[Member] = []
    failed: dict[int, FitRow] = {}
    kept: list[str] = []
    seen: dict[tuple[object, ...], str] = {}
    expected = _Expectations(recipe, specs, {})
    for name, source in zip(names, sources, strict=True):
        on_progress(reading(len(kept), len(names)))
        if should_stop():
            return Scanned(tuple(members), failed, (*kept, *names[len(kept) :]), complete=False)
        number, path = len(kept), folder / f"{name}{SUFFIX}"
        try:
            check_name(path)
            info, scaling = _read(recipe, source)
            first = seen.setdefault((info.identity, str(scaling)), name)
            if settings.skip_bad and first != name:
                raise SignalError(f"{name} is the same as {first}")
        except (SignalError, PluginError) as error:
            if isinstance(error, SignalError) and settings.skip_bad:
                say(f"left out: {error}")
                continue
            failed[number] = _failed(recipe, name, path, error)
        else:
            try:
                wanted = replace(expected.of(info), scaling=scaling)
                members.append(Member(number, name, source, info, path, wanted))
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


def _read(recipe: Recipe, source: str | Signal) -> tuple[SignalInfo, tuple[JsonValue, ...]]:
    """Return the metadata of a signal, and how it was scaled; its values are forgotten here."""
    signal = recipe.read(source)
    return signal.info(), scaling_of(signal.meta)


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
        if info.kind not in self.known:
            spec = self.specs((*info.shape, info.channels))
            try:
                known = Expected.of(info, spec, self.recipe.catalog, self.recipe.precision)
                self.known[info.kind] = known
            except EnasInrError as error:
                self.known[info.kind] = error
        found = self.known[info.kind]
        if isinstance(found, EnasInrError):
            raise found
        return replace(found, signal=info.identity)
