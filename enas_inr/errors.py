"""The errors of enas-inr, and the exit code that each one ends a command with.

Every message is one line: what failed, the value received, what to do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from functools import cache

from enas_inr.plain_text import printable

__all__ = [
    "BudgetError",
    "ContractError",
    "EnasInrError",
    "ExitCode",
    "ModelError",
    "PluginError",
    "SignalError",
    "SpecError",
    "StudyError",
    "TrainingError",
    "first_line",
    "one_line",
    "reason_of",
    "warn_once",
]

logger = logging.getLogger(__name__)


class ExitCode(IntEnum):
    """Exit codes of `enas-inr`. They are part of the public interface and never change."""

    OK = 0
    INTERNAL = 1  # a bug in enas-inr: please report it
    USAGE = 2  # an option, a setting or a name is not valid
    SIGNAL = 3  # the signal cannot be read or written
    BUDGET = 4  # no architecture of the search space fits the budget
    PLUGIN = 5  # a plugin is broken, missing or in conflict with another
    STUDY = 6  # the study or its storage cannot be used
    TRAINING = 7  # every trial failed or diverged
    MODEL = 8  # a model file cannot be read or written
    INCOMPLETE = 9  # some signals or models of several failed; the others are done
    HUNG_UP = 129  # SIGHUP, such as a closed terminal: finished work is stored
    INTERRUPTED = 130  # Ctrl-C: finished work is stored
    TERMINATED = 143  # SIGTERM, such as that of a batch system: finished work is stored


class EnasInrError(Exception):
    """An error that the user can act on.

    Args:
        what: what failed, with the value received.
        hint: what to do about it.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = printable(" ".join(what.split()))
        self.hint = printable(" ".join(hint.split()))
        if self.hint and not self.what.endswith(".."):  # messages of libraries end with a stop
            self.what = self.what.removesuffix(".")
        super().__init__(f"{self.what}; {self.hint}" if self.hint else self.what)


class SpecError(EnasInrError):
    """A setting, an option or a name is not valid."""

    exit_code = ExitCode.USAGE


class SignalError(EnasInrError):
    """A signal cannot be read, written or cut into cells."""

    exit_code = ExitCode.SIGNAL


class BudgetError(EnasInrError):
    """No architecture of the search space fits the budget."""

    exit_code = ExitCode.BUDGET


class PluginError(EnasInrError):
    """A plugin is broken, missing, or in conflict with another."""

    exit_code = ExitCode.PLUGIN


class StudyError(EnasInrError):
    """A study or a storage cannot be opened, locked or continued."""

    exit_code = ExitCode.STUDY


class ModelError(EnasInrError):
    """A model file cannot be read, written or used."""

    exit_code = ExitCode.MODEL


class TrainingError(EnasInrError):
    """Training failed or could not be carried out."""

    exit_code = ExitCode.TRAINING


class ContractError(Exception):
    """A target or a returned value of a plugin does not fit the contract of its kind.

    `enas_inr.plugins.guard` adds the name of the plugin.
    """


def first_line(said: BaseException | str) -> str:
    """Return the first line of a message; the type of an error whose message is empty."""
    named = type(said).__name__ if isinstance(said, BaseException) else ""
    return next(iter(str(said).strip().splitlines()), named)


def reason_of(error: BaseException) -> str:
    """Return the reason that an error gives: of the system, without a number and a path."""
    return getattr(error, "strerror", None) or first_line(error)


def one_line(error: BaseException) -> str:
    """Return the type of an error and the first line of its message."""
    name, said = type(error).__name__, first_line(error)
    return printable(name if said == name else f"{name}: {said}")


@cache
def warn_once(message: str) -> None:
    """Log a warning, but only once in a process."""
    logger.warning(message)


@contextmanager
def unsaid_warnings() -> Iterator[None]:
    """Do not log the warnings of `warn_once`, since what causes them is only a trial."""
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def reworded_warnings(old: str, new: str) -> Iterator[None]:
    """Replace a text in the warnings of `warn_once`, such as the name of a temporary file."""

    def reword(record: logging.LogRecord) -> bool:
        record.msg = str(record.msg).replace(old, new)
        return True

    logger.addFilter(reword)
    try:
        yield
    finally:
        logger.removeFilter(reword)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a GPU had no memory left, whichever library says so."""
    texts = (
        "CUDA error: out of memory",
        "CUBLAS_STATUS_ALLOC_FAILED",
        "MPS backend out of memory",
    )
    # By name: torch, whose error it is, may not even be imported.
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, RuntimeError) and (
        "OutOfMemoryError" in names or any(text in str(error) for text in texts)
    )


def is_missing_operation(error: BaseException) -> bool:
    """Whether PyTorch lacks an operation, or double precision, on the device of its tensors."""
    said = str(error)
    if isinstance(error, TypeError):
        return "MPS" in said and "float64" in said
    texts = ("is not currently implemented for the", "Could not run 'aten::")
    return isinstance(error, NotImplementedError) and any(text in said for text in texts)
