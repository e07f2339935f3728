"""What a caller in Python sees of work that takes long, and how it ends it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from enas_inr.executors.base import TrialProgress
from enas_inr.result import TrialResult
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.loop import Observer, Relay
from enas_inr.studies.setting import Settings
from enas_inr.validation import counted


def interactive() -> bool:
    """Whether a person is at the other end: in a notebook, or in an interactive interpreter."""
    return hasattr(sys, "ps1") or _in_notebook()


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether Ctrl-C was pressed, which raises nothing the first time.

    In a script, and in other threads than the main one, Ctrl-C does what it always does.
    """
    pressed = threading.Event()
    if not interactive() or threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return

    def press(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def deferred() -> Iterator[None]:
    """Let Ctrl-C wait until what is done inside has ended; a second one does not wait."""
    with interruptible() as pressed:
        yield
    if pressed():
        raise KeyboardInterrupt


class Bar:
    """A bar of tqdm in a notebook or a terminal, or nothing. A context manager."""

    def __init__(self, shown: bool | None) -> None:
        self._shown = interactive() if shown is None else shown
        self._bar: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done: float, of: float, label: str, note: str) -> None:
        """Show what is done of the whole, of what, and a note."""
        if not self._shown:
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(bar_format=_FORMAT, leave=True)
        self._bar.total, self._bar.n = of, done
        self._bar.set_description_str(label, refresh=False)
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.refresh()

    def progressed(self, progress: TrialProgress) -> None:
        """Show the progress of a fit."""
        self.show(round(progress.done, 4), 1, progress.label, _psnr(progress.psnr_paper_db))


_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining} {postfix}"


def _psnr(psnr_paper_db: float | None) -> str:
    return "" if psnr_paper_db is None else f"{psnr_paper_db + PSNR_OFFSET_DB:.2f} dB"


CallT = TypeVar("CallT", bound=Settings)


@contextmanager
def watched(call: CallT) -> Iterator[CallT]:
    """Yield a call of `fit` whose progress a bar shows, and which Ctrl-C stops in a notebook."""
    given: Any = call
    with Bar(given.progress) as bar, interruptible() as pressed:

        def progressed(progress: TrialProgress) -> None:
            given.on_progress(progress)
            bar.progressed(progress)

        changes = {
            "on_progress": progressed,
            "should_stop": lambda: given.should_stop() or pressed(),
        }
        yield call.model_copy(update=changes)


class Watching(Relay):
    """Passes the events of a search on to an observer, to callbacks and to a bar.

    Args:
        observer: hears of everything first.
        on_trial: called with each trial that has ended; if it returns True, the search stops.
        on_progress: called while a trial is trained.
        bar: shows the trials.
    """

    def __init__(
        self,
        observer: Observer,
        on_trial: Callable[[TrialResult], object] | None,
        on_progress: Callable[[TrialProgress], object],
        bar: Bar,
    ) -> None:
        super().__init__(observer)
        self._bar = bar
        self._on_trial, self._on_progress = on_trial, on_progress
        self._best: TrialResult | None = None
        self._ended = self._most = 0
        self._stop = False

    def asked(self) -> bool:
        """Whether a callback wants the search to stop."""
        return self._stop

    def started(self, study: str, storage: str, known: int, most: int) -> None:
        """Pass it on, and begin to count."""
        self._ended, self._most = known, most
        super().started(study, storage, known, most)

    def progressed(self, progress: TrialProgress) -> None:
        """Pass it on, and show it."""
        super().progressed(progress)
        self._on_progress(progress)
        done = self._ended + progress.done if progress.number is not None else self._ended
        self._show(min(done, self._most), f"trial {self._ended + 1} {progress.label}")

    def signal_finished(self, result: TrialResult) -> None:
        """Pass it on, and count it."""
        self._ended += 1
        super().signal_finished(result)

    def finished(self, result: TrialResult) -> None:
        """Pass it on, and call back."""
        self._ended += 1
        super().finished(result)
        if result.score is not None and (self._best is None or result.rank > self._best.rank):
            self._best = result
        self._show(self._ended, counted(self._ended, "trial"))
        if self._on_trial:
            self._stop |= self._on_trial(result) is True

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Pass it on, and let Ctrl-C wait."""
        with deferred(), self.inner.undisturbed():
            yield

    def _show(self, done: float, label: str) -> None:
        best = self._best
        note = "" if best is None else f"best {best.trial.ensemble.label()} "
        note += "" if best is None or best.psnr_db is None else f"{best.psnr_db:.2f} dB"
        self._bar.show(round(done, 2), self._most, label, note)
