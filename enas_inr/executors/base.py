"""The contract of an executor, which trains trials and returns results but stores nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.plugins.catalog import Catalog
from enas_inr.result import Picture, TrialResult
from enas_inr.spec import Configuration, SignalInfo, TrialSpec

if TYPE_CHECKING:
    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal

__all__ = ["BATCH", "ExecutionContext", "Executor", "Supply", "TrialProgress", "given"]

BATCH = 64
"""The number of trials that are taken at once by an executor that trains equal shapes together."""


@dataclass(frozen=True)
class TrialProgress:
    """The progress of the trial in training.

    Attributes:
        number: number of the trial; None outside a search.
        label: its architecture, for people.
        done: share of its work that is done, from 0 to 1.
        step: number of steps that all its members have made.
        psnr_paper_db: mean over its repeats so far, in the paper's convention.
    """

    number: int | None
    label: str
    done: float
    step: int
    psnr_paper_db: float | None


@dataclass(frozen=True, eq=False)
class ExecutionContext:
    """The execution context, with which every executor is constructed.

    Attributes:
        catalog: makes backbones.
        signal: the signal to fit; of a set, the first one (see `on`).
        signals: the signals of a set, by `TrialSpec.signal`; None if there is no set.
        known_info: the metadata of the signal, if they are known already.
        device: device as the user named it; see `enas_inr.training.device`.
        on_progress: to be called while a trial is trained.
        title: title of the search for people: its study and strategy.
        label: returns a short name of a configuration for people, with the options that are
            searched.
        share: share of the device's memory to use, if the device is shared.
        say: shows the user a line.
        at_end: callbacks for the end of the search, however it ends.
        pictures: whether pictures of the reconstructions of complete trials are wanted.
        orders: the cells in the order in which they are picked, by the fingerprint of the signal,
            grid and margin; see `order`.
        states: folder for the states of trainings on this machine; None if they are not to be kept
            (see `enas_inr.executors.states`).
        keep_picture: to be called with a trial and its picture, if pictures are wanted, in the
            process of the search and before the result of the trial is yielded.
        undisturbed: to be entered while results that were made together are yielded one after the
            other, so that a signal that ends the search waits until all of them are stored.
    """

    catalog: Catalog
    signal: Signal
    device: str = "auto"
    on_progress: Callable[[TrialProgress], None] = lambda progress: None
    title: str = ""
    label: Callable[[Configuration], str] = Configuration.label
    share: float = 1.0
    say: Callable[[str], None] = lambda line: None
    at_end: ExitStack = field(default_factory=ExitStack)
    pictures: bool = False
    states: Path | None = None
    keep_picture: Callable[[TrialSpec, Picture], None] = lambda trial, picture: None
    undisturbed: Callable[[], AbstractContextManager[None]] = nullcontext
    orders: dict[tuple[str, int, int], array[int]] = field(default_factory=dict, repr=False)
    signals: SignalSet | None = None
    known_info: SignalInfo | None = None

    def on(self, trial: TrialSpec) -> ExecutionContext:
        """Return the context of the signal on which a trial is trained, with all else the same.

        Raises:
            SignalError: the signal cannot be read any more.
        """
        if self.signals is None:
            return self
        return self.with_signal(self.signals[trial.signal], self.info_of(trial))

    def info_of(self, trial: TrialSpec) -> SignalInfo:
        """Return the metadata of the signal on which a trial is trained, without reading it."""
        return self.info if self.signals is None else self.signals.infos[trial.signal]

    def order(self, grid: int, margin: int) -> list[int]:
        """Return the cells of the signal in the order in which they are picked, computed once."""
        from enas_inr.signals.partition import cut
        from enas_inr.signals.stratified import nested_order

        key = (self.info.fingerprint, grid, margin)
        if key not in self.orders:
            cells = cut(self.signal.values, self.info.cells_along(grid), margin)
            self.orders[key] = array("I", nested_order(cells))
        return self.orders[key].tolist()

    @cached_property
    def info(self) -> SignalInfo:
        """The metadata of the signal; its fingerprint is computed once."""
        return self.known_info or self.signal.info()

    def for_worker(self, device: str | None = None, share: float = 1.0) -> ExecutionContext:
        """Return a copy that can be sent to another process, without the parts of this process.

        It has only the first signal of a set; the others are sent with their trials, see
        `with_signal`.

        There, the error of a plugin becomes the message of a failed trial even with
        `--strict-plugins`: if it were raised, it would end the worker.

        Args:
            device: device to use instead of that of this context.
            share: share of the device's memory that a trial may use.
        """
        return ExecutionContext(
            replace(self.catalog, strict=False),
            self.signal,
            device or self.device,
            title=self.title,
            label=self.label,
            share=share,
            pictures=self.pictures,
            states=self.states,
            known_info=self.known_info,
        )

    def with_signal(self, signal: Signal, info: SignalInfo) -> ExecutionContext:
        """Return the context of a worker with another signal of the set."""
        return replace(self, signal=signal, signals=None, known_info=info)


class Supply:
    """The trials of a search, which an executor takes when a worker is free.

    Args:
        more: returns the next trials for the arguments of `take`, of which `most` is at least
            `free`.

    Attributes:
        taken: all trials that have been taken, in order.
    """

    def __init__(self, more: Callable[[int, int], Sequence[TrialSpec]]) -> None:
        self._more = more
        self.taken: list[TrialSpec] = []

    def take(self, free: int, most: int = 0) -> Sequence[TrialSpec]:
        """Take the trials to start now. Each of them is pending until its result is yielded.

        Args:
            free: number of workers that are free: as many trials are returned, if there are any.
            most: number of trials to return if more than `free` are known already, for an executor
                that trains trials of equal shape together.

        Returns:
            The trials. If there are none: wait until a trial ends, yield its result and ask again;
            if no trial is pending, the search has ended.
        """
        found = self._more(free, max(free, most))
        self.taken += found
        return found


def given(trials: Iterable[TrialSpec]) -> Supply:
    """Return a supply of given trials."""
    left = iter(trials)
    return Supply(lambda free, most: list(islice(left, most)))


class Executor(ABC):
    """Trains trials. Constructed with an ExecutionContext, then its options (if it has any)."""

    @abstractmethod
    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Take trials, train them and yield each result as it comes, without a score.

        It takes trials again whenever a worker is free, after it has yielded all results that it
        has, since they may decide what is trained next. It ends when no trial is pending and it
        can take none, and starts nothing (such as a cluster) before it has taken a trial.

        A failed trial is a result with that status, not an exception. Pictures are passed to the
        `keep_picture` of the context.
        """
