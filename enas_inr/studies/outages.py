"""Storages that do not answer for a while: whatever is asked of them is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from enas_inr.errors import first_line, logger
from enas_inr.studies.location import Storage

ResultT = TypeVar("ResultT")

FIRST_WAIT = 0.5  # seconds
LONGEST_WAIT = 20.0
_FOR_GOOD = ("28", "3D", "42")  # SQLSTATE: refused login, no such database, no such table
_READ_ONLY = "25006"  # a server that is about to take over from another one
_FOR_GOOD_MYSQL = (1044, 1045, 1049, 1146)
_SQLITE = (5, 6, 8, 10, 13, 14, 15)  # busy, locked, readonly, I/O, full, cannot open, protocol


@dataclass(frozen=True)
class Waiting:
    """How a storage is waited for.

    Attributes:
        seconds: how long at most, from the first failure.
        say: called with a line when an outage begins and when it ends.
        sleep: waits for some seconds.
        clock: returns a time in seconds.
    """

    seconds: float
    say: Callable[[str], None] = logger.warning
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def asked(
        self,
        storage: Storage,
        ask: Callable[[], ResultT],
        away: Callable[[], object] = lambda: None,
    ) -> ResultT:
        """Ask until there is an answer.

        Args:
            storage: the storage, for messages.
            ask: asks it; may be called several times.
            away: called when an outage begins.

        Raises:
            Exception: what the last call of `ask` has raised.
        """
        began, waits = None, self._waits()
        while True:
            try:
                answer = ask()
            except Exception as error:
                cause, now = outage(error), self.clock()
                first, began = began is None, now if began is None else began
                left = began + self.seconds - now
                if cause is None or left <= 0:
                    raise
                if first:
                    away()
                    reason = storage.hide(message(cause))
                    self.say(
                        f"storage {storage} does not answer ({reason}); trying again for up to "
                        f"{self.seconds / 60:g} minutes"
                    )
                self.sleep(min(next(waits), left))
                continue
            if began is not None:
                self.say(f"storage {storage} answers again")
            return answer

    def _waits(self) -> Iterator[float]:
        wait = FIRST_WAIT
        while True:
            yield wait
            wait = min(2 * wait, LONGEST_WAIT)


def outage(error: BaseException) -> BaseException | None:
    """Return the cause of an error if it may pass: no connection, a lock, or a full disk."""
    found = error.__cause__ if isinstance(error, StorageInternalError) else error
    if isinstance(found, (ConnectionError, TimeoutError)):
        return found
    if not isinstance(found, DBAPIError):
        return None
    original = found.orig
    if found.connection_invalidated:
        return original or found
    state = str(getattr(original, "sqlstate", None) or getattr(original, "pgcode", None) or "")
    if state == _READ_ONLY:
        return original
    if not isinstance(found, (OperationalError, InterfaceError)):
        return None
    if (code := getattr(original, "sqlite_errorcode", None)) is not None:
        return original if code & 0xFF in _SQLITE else None
    number = next(iter(getattr(original, "args", ())), None)
    lasts = state.startswith(_FOR_GOOD) or number in _FOR_GOOD_MYSQL
    return None if lasts else original or found


def message(error: BaseException) -> str:
    """Return the first line of what a database or the system says in an error."""
    if not isinstance(error, OSError):
        match error.args:
            case int(), str(said) if said.strip():  # how drivers for MySQL say it
                return said.strip().splitlines()[0]
    return first_line(error)
