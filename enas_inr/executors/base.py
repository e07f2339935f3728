"""The contract of an executor: it trains trials and returns results; it never writes to a store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from enas_inr.plugins.catalog import Catalog
from enas_inr.result import Picture, TrialResult
from enas_inr.spec import SignalInfo, TrialSpec

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

__all__ = ["ExecutionContext", "Executor", "TrialProgress"]


@dataclass(frozen=True)
class TrialProgress:
    """How far the trial in training is.

    Attributes:
        number: the trial's number; None where it is no trial of a search.
        label: its architecture, for people.
        done: the share of its work, 0 to 1.
        step: steps that all its members have made.
        psnr_paper_db: the mean over its repeats so far, in the paper's convention.
    """

    number: int | None
    label: str
    done: float
    step: int
    psnr_paper_db: float | None


@dataclass(frozen=True, eq=False)
class ExecutionContext:
    """What every executor is given.

    Attributes:
        catalog: makes backbones.
        signal: what the trials fit.
        device: as the user named it; see `enas_inr.training.device`.
        on_progress: to be called while a trial is trained.
        title: of the search, for people: its study and strategy.
        share: of the device's memory that is to be used, where it is not ours alone.
        say: tells the user a line.
        at_end: what is to be undone when the search ends, however it does.
        pictures: whether pictures of complete trials' reconstructions are wanted.
        keep_picture: to be called, if they are, with a trial and its picture before the trial's
            result is yielded, in the process of the search.
    """

    catalog: Catalog
    signal: Signal
    device: str = "auto"
    on_progress: Callable[[TrialProgress], None] = lambda progress: None
    title: str = ""
    share: float = 1.0
    say: Callable[[str], None] = lambda line: None
    at_end: ExitStack = field(default_factory=ExitStack)
    pictures: bool = False
    keep_picture: Callable[[TrialSpec, Picture], None] = lambda trial, picture: None

    @cached_property
    def info(self) -> SignalInfo:
        """The facts of the signal; its fingerprint is computed once."""
        return self.signal.info()

    def for_worker(self, device: str | None = None, share: float = 1.0) -> ExecutionContext:
        """The same for another process: without what belongs to this one, so it can be sent.

        A plugin's error becomes the message of a failed trial there, also with `--strict-plugins`:
        raised, it would end the worker and come back in the words of the cluster's library.

        Args:
            device: instead of this context's.
            share: of the device's memory that a trial may use.
        """
        return ExecutionContext(
            replace(self.catalog, strict=False),
            self.signal,
            device or self.device,
            title=self.title,
            share=share,
            pictures=self.pictures,
        )


class Executor(ABC):
    """A place to train. Constructed with an ExecutionContext, then its options (if it has any)."""

    @abstractmethod
    def run(self, trials: Sequence[TrialSpec]) -> Iterator[TrialResult]:
        """Train the trials and yield each result as it comes, without a score.

        A trial that fails is a result with that status, not an exception. Pictures go to the
        context's `keep_picture`.
        """
