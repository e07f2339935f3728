"""Signals that end a command: Ctrl-C, SIGTERM (from a batch system) and SIGHUP (a closed terminal).

The first one raises an exception in the main thread, or is noted where the work is to stop in an
orderly way. The second one ends the process at once, and so does the end of PATIENCE_SECONDS,
whatever the process is doing. A signal that was ignored when the command started, as SIGHUP is
under `nohup`, stays ignored.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from enas_inr.cli.saying import complain
from enas_inr.errors import ExitCode

PATIENCE_SECONDS = 20.0
"""Seconds from the first signal to the end of the process, if it has not ended before."""

SAME_SECONDS = 0.5
"""Seconds within which a second signal is the first one again.

`timeout` and batch systems send a signal to a process, and then to the group that it is in.
"""

LOOK_SECONDS = 0.1  # seconds between two looks of the thread that watches

_NAMES = {
    "SIGINT": ExitCode.INTERRUPTED,
    "SIGTERM": ExitCode.TERMINATED,
    "SIGHUP": ExitCode.HUNG_UP,
}
CODES: Mapping[signal.Signals, ExitCode] = {
    one: _NAMES[one.name] for one in signal.Signals if one.name in _NAMES
}
"""The signals that end a command, with its exit codes."""


def whole_files() -> str:
    """Return what is kept by a command that writes files, each of them whole or not at all."""
    return ": no file is left incomplete; run the same command again"


class Interrupted(KeyboardInterrupt):
    """A signal has asked the command to end."""


class Stop:
    """Whether a signal has asked the command to end.

    Attributes:
        received: the first signal that came; None if none has come.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._when = 0.0  # when it came, by time.monotonic
        self._held = 0
        self._lost = False  # the exception, which Python ignores in callbacks and finalizers
        self._process = os.getpid()
        self._hook = sys.unraisablehook
        self._begun, self._over = threading.Event(), threading.Event()

    @property
    def code(self) -> ExitCode:
        """The exit code of a command that was stopped."""
        return ExitCode.INTERRUPTED if self.received is None else CODES[self.received]

    @property
    def word(self) -> str:
        """What has happened to a command that was stopped: interrupted, terminated or hung up."""
        return self.code.name.lower().replace("_", " ")

    def check(self) -> None:
        """Raise again if a signal has come, since the code of a plugin may catch everything.

        Raises:
            Interrupted: a signal has come, and nothing holds it.
        """
        if self.received is not None and not self._held:
            raise Interrupted

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a signal wait until the end of the block, which stores what is finished.

        Raises:
            Interrupted: at the end, if a signal has come.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self.check()

    @contextmanager
    def noted(self) -> Iterator[Callable[[], bool]]:
        """Only note signals within the block; yield a function that returns whether one came."""
        self._held += 1
        try:
            yield lambda: self.received is not None
        finally:
            self._held -= 1

    @contextmanager
    def ends(
        self, say: Callable[[str], None] = complain, kept: Callable[[], str] = whole_files
    ) -> Iterator[None]:
        """End the command in an orderly way if a signal comes within the block.

        Args:
            say: prints a line.
            kept: returns what is kept and how to go on, after the word that says what happened.
        """
        try:
            yield
        except KeyboardInterrupt:
            import typer

            with self.noted():  # a signal that comes now must not hide the message
                say(f"{self.word}{kept()}")
            raise typer.Exit(self.code) from None

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if os.getpid() != self._process:  # a child that was forked, which has no work to keep
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        now = time.monotonic()
        if self._lost:
            self._lost = False
        elif self.received is None:
            self.received, self._when = signal.Signals(number), now
            self._begun.set()
        elif now - self._when > SAME_SECONDS:
            self._end("at once")
        else:
            return
        self.check()

    def watch(self) -> None:
        """Wait in a thread of its own, and end the process if it does not end by itself."""
        self._begun.wait()
        while not self._over.wait(LOOK_SECONDS):
            if self._lost and self.received:
                signal.pthread_kill(threading.main_thread().ident or 0, self.received)
            if time.monotonic() - self._when > PATIENCE_SECONDS:
                self._end(f"after {PATIENCE_SECONDS:g} s")

    def unraisable(self, ignored: sys.UnraisableHookArgs) -> None:
        """Note an exception that Python ignores: if it is ours, it is raised again soon."""
        if isinstance(ignored.exc_value, Interrupted):
            self._lost = True
        else:
            self._hook(ignored)

    def over(self) -> None:
        """End the thread that watches."""
        self._over.set()
        self._begun.set()

    def _end(self, when: str) -> None:
        """End the process without any further step; files are whole, since they are replaced."""
        line = f"enas-inr: {self.word}, ended {when}; run the same command again to go on from "
        line += "what is stored\n"
        with suppress(OSError):
            # A display of progress has hidden the cursor.
            shown = "\r\x1b[K\x1b[?25h" if os.isatty(2) else ""
            os.write(2, (shown + line).encode())
        os._exit(self.code)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Handle the signals within the block, if this is the main thread, and restore the handlers."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in CODES}
    threading.Thread(target=stop.watch, name="signals", daemon=True).start()
    handled = [n for n, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for number in handled:
        signal.signal(number, stop.note)
    hook, sys.unraisablehook = sys.unraisablehook, stop.unraisable
    try:
        yield stop
    finally:
        sys.unraisablehook = hook
        for number in handled:
            signal.signal(number, before[number])
        stop.over()


def end(code: int) -> NoReturn:
    """End the process after a signal, without waiting for its threads or for libraries.

    The command has ended and stored what it has, and Ray may wait long for what the signal has
    ended as well.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
