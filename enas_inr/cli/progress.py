"""Progress on stderr: a live display on a terminal, or else plain lines; nothing if quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from enas_inr.cli.interrupt import Stop
from enas_inr.cli.saying import folded
from enas_inr.cost import FeasibleSpace
from enas_inr.executors.base import TrialProgress
from enas_inr.plain_text import printable
from enas_inr.result import TrialResult
from enas_inr.spec import PSNR_OFFSET_DB, Configuration, StudySpec
from enas_inr.studies.loop import Observer
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.studies.forecast import Forecast

LINE_SECONDS = 10.0  # seconds between two plain lines about one trial


class Display:
    """Prints lines on stderr; on a terminal, the last one is updated live. A context manager.

    If stderr cannot be written, lines are lost and the work goes on.

    Args:
        quiet: whether to show no progress.
        stop: receives the signals that end the command.
    """

    def __init__(self, *, quiet: bool, stop: Stop | None = None) -> None:
        self._stop = stop or Stop()
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        # With FORCE_COLOR, rich treats a file as a terminal, but a file cannot be updated live.
        self._live = (
            Live(console=self._console, transient=True, refresh_per_second=8)
            if self._console.is_terminal and sys.stderr.isatty() and not quiet
            else None
        )
        self._label = ""
        self._started = self._told = 0.0

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            with suppress(OSError):
                self._live.stop()

    def say(self, line: str) -> None:
        """Print a permanent line."""
        text = printable(line)
        if self._console.is_terminal and sys.stderr.isatty():
            text = folded(text, self._console.width)
        with suppress(OSError):
            self._console.print(Text(text), soft_wrap=True)

    def insist(self, line: str) -> None:
        """Print a permanent line, also if there is no other progress."""
        self._console.quiet = False
        self.say(line)

    def progressed(self, progress: TrialProgress) -> None:
        """Show the progress of a trial."""
        self._stop.check()
        now = time.monotonic()
        if self._label != progress.label:
            self._label, self._started, self._told = progress.label, now, now
        elapsed = now - self._started
        if self._live:
            text = printable(self._line(progress, elapsed, self._console.width))
            line = Text(text, no_wrap=True, overflow="ellipsis")
            with suppress(OSError):
                self._live.update(line)
        elif now - self._told >= LINE_SECONDS:
            self._told = now
            self.say(self._line(progress, elapsed))

    def _line(self, progress: TrialProgress, elapsed: float, width: int | None = None) -> str:
        """Return a line about the progress; what matters least is left out if it is too long."""
        before = [] if progress.number is None else self._before()
        speed = [f"{progress.step / elapsed:.1f} steps/s"] if elapsed > 0 and progress.step else []
        psnr, left, short = [], [], []
        if progress.psnr_paper_db is not None:
            psnr = [f"PSNR {progress.psnr_paper_db + PSNR_OFFSET_DB:.2f} dB so far"]
        if progress.done > 0.02:
            seconds = elapsed * (1 - progress.done) / progress.done
            left = [f"{_clock(seconds)} left{self._after(seconds)}"]
            short = [f"{_clock(seconds)} left{self._after(seconds, short=True)}"]
        label, done = [progress.label], [f"{progress.done:4.0%}"]
        for parts in (
            (before, label, done, speed, psnr, left),
            (before, label, done, psnr, left),
            (before, label, done, left),
            (label, done, left),
            (done, left),
            (done, short),
        ):
            line = "  ".join(part for some in parts for part in some)
            if width is None or len(line) <= width:
                break
        return line

    def _before(self) -> list[str]:
        """Return what precedes the label."""
        return []

    def _after(self, trial_left: float, *, short: bool = False) -> str:
        """Return what follows at the end of the line, given the seconds left for the trial."""
        return ""


class SearchProgress(Display, Observer):
    """Shows the progress of a search."""

    def __init__(self, *, quiet: bool, stop: Stop | None = None) -> None:
        super().__init__(quiet=quiet, stop=stop)
        self._quiet = quiet
        self._stopped = False
        self._named: Callable[[Configuration], str] = Configuration.label
        self._heading = self._study = self._storage = ""
        self._known = self._most = 0
        self._of_set = 0.0  # seconds of the trials of a configuration on other signals of a set
        self._trained = 0.0  # seconds of training of the trials that finished in this run
        self._best: TrialResult | None = None
        self._finished = 0

    def announce(self, heading: str) -> None:
        """Keep a line about the signal, which is printed once nothing prevents the search."""
        self._heading = heading

    def planned(
        self,
        spec: StudySpec,
        space: FeasibleSpace,
        forecast: Callable[[], Forecast | None] = lambda: None,
    ) -> None:
        """Print how many configurations there are, and about how long the search takes."""
        if self._heading:
            self.say(self._heading)
        self._named = spec.space.label
        count, all_of_them = len(space.feasible), spec.space.size
        of = f" of {all_of_them}" if all_of_them > count else ""
        self.say(
            f"{count}{of} {'configuration' if all_of_them == 1 else 'configurations'} within the "
            f"budget: {spec.space.text()}"
        )
        if self._quiet:
            return
        if taken := forecast():
            first = "" if taken.first is None else f"about {duration(taken.first)} to begin, and "
            self.say(f"{first}at most about {duration(taken.most)} on this CPU")

    def started(self, study: str, storage: str, known: int, most: int) -> None:
        """Print where the trials are stored."""
        self._study, self._storage, self._known, self._most = study, storage, known, most
        self._finished, self._trained = 0, 0.0  # a study file may hold several studies
        kept = f", {counted(known, 'trial')} stored already" if known else ""
        self.say(f"study {study} in {storage}{kept}")

    def said(self, line: str) -> None:
        """Print a message."""
        self.say(line)

    def stopped(self, reason: str) -> None:
        """Print why the search stops, once."""
        if not self._stopped:
            self._stopped = True
            self.say(f"stopped: {reason}; run the same command again to resume")

    def signal_finished(self, result: TrialResult) -> None:
        """Count a trial on one signal of a set."""
        self._finished += 1
        self._of_set += result.seconds
        self._trained += result.seconds
        self._label = ""

    def finished(self, result: TrialResult) -> None:
        """Print the result of a trial."""
        self._finished += 1
        self._trained += max(0.0, result.seconds - self._of_set)  # those on other signals count
        self._of_set = 0.0
        self._label = ""
        number = self._known + self._finished
        if result.score is not None and (self._best is None or result.rank > self._best.rank):
            self._best = result
        if self._live:  # where a line for each of many trials would be in the way
            return
        line = f"trial {number} of at most {self._most}  {self._name_of(result)}  "
        if result.psnr_db is not None and result.score is not None:
            line += f"PSNR {result.psnr_db:.2f} dB (sd {result.psnr_std_db:.2f})  "
            line += f"score {result.score:.2f}  {result.seconds:.1f} s"
            line += f"  ({result.message})" if result.message else ""
        else:
            line += f"{result.status}: {result.message}"
        self.say(line)

    def _name_of(self, result: TrialResult) -> str:
        return f"{self._named(result.trial.configuration)} {result.amount}".rstrip()

    def undisturbed(self) -> AbstractContextManager[None]:
        """Let a signal wait until results are stored."""
        return self._stop.held()

    def kept(self) -> str:
        """Return what is stored and how to resume, after a word such as `interrupted`."""
        if not self._study:
            return " before the search began"
        stored = counted(self._known + self._finished, "trial")
        return (
            f": {stored} stored in study {self._study} ({self._storage}); "
            "run the same command again to resume"
        )

    def _before(self) -> list[str]:
        trial = f"trial {self._known + self._finished + 1} of at most {self._most}"
        if self._best is None or self._best.psnr_db is None or not self._live:
            return [trial]
        return [f"{trial}, best {self._best.psnr_db:.2f} dB"]

    def _after(self, trial_left: float, *, short: bool = False) -> str:
        """Return the longest time left for the search, estimated from the finished trials."""
        others = self._most - self._known - self._finished - 1
        if not self._finished or others < 0:
            return ""
        mean = self._trained / self._finished
        longest = _clock(trial_left + others * mean)
        return f", search {longest}" if short else f" (search: at most {longest})"


def duration(seconds: float) -> str:
    """Return a rough duration for people: `40 s`, `4 min`, `2.5 h`, `3 days`."""
    if seconds < 90:
        return f"{max(1, round(seconds, -1 if seconds > 15 else 0)):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
