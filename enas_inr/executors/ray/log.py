"""The log of a search in Ray's dashboard, which has one of its own for submitted jobs only."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO, final

from enas_inr.executors.base import ExecutionContext, TrialProgress
from enas_inr.executors.ray.cluster import import_ray, job_number
from enas_inr.plain_text import printable
from enas_inr.result import TrialResult
from enas_inr.spec import PSNR_OFFSET_DB

SECONDS_BETWEEN = 10.0
"""Seconds between two lines about the progress of a trial."""

SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # set by Ray for what a submitted job runs


def progress_line(progress: TrialProgress) -> str:
    """Return a line about a trial in training, with its PSNR in the usual convention."""
    number = "" if progress.number is None else f"trial {progress.number:04} "
    line = f"{number}{progress.label}: {progress.done:4.0%}"
    if progress.psnr_paper_db is None:
        return line
    return f"{line}  PSNR {progress.psnr_paper_db + PSNR_OFFSET_DB:.2f} dB at step {progress.step}"


def stamped(line: str) -> str:
    """Return a line as it stands in a log: as text, with the time of day."""
    return f"{time.strftime('%H:%M:%S')} {printable(line)}"


@final
class Intervals:
    """Says when it is time for another line about the progress of a trial."""

    def __init__(self) -> None:
        self._next = 0.0

    def over(self) -> bool:
        """Whether the first or another interval begins now; afterwards none does for a while."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + SECONDS_BETWEEN
        return True


@final
class SearchLog:
    """A file in the folder of Ray's logs, whose name has the number of the job.

    The page of a job links to the logs that have its number in their names. Nothing is written
    before the file is open, and where it cannot be opened or written.
    """

    def __init__(self) -> None:
        self._file: TextIO | None = None
        self._intervals = Intervals()

    @property
    def is_open(self) -> bool:
        """Whether there is a log: a submitted job has its own."""
        return self._file is not None

    def open(self, context: ExecutionContext) -> None:
        """Open the file on the connected cluster, until the end of the search."""
        if SUBMITTED in os.environ:
            return
        with suppress(AttributeError, OSError):
            folder = Path(import_ray()._private.worker.global_worker.node.get_logs_dir_path())
            self._file = (folder / f"enas-inr-{job_number()}.log").open("a", encoding="utf-8")
            context.at_end.callback(self._close)
            self.write(f"enas-inr {context.title}")

    def _close(self) -> None:
        with suppress(OSError):
            if self._file:
                self._file.close()
        self._file = None

    def write(self, line: str) -> None:
        """Write a line."""
        with suppress(OSError):
            if self._file:
                self._file.write(f"{stamped(line)}\n")
                self._file.flush()

    def ended(self, context: ExecutionContext, result: TrialResult) -> None:
        """Write how a trial has ended."""
        trial = result.trial
        of_set = f" on {context.info_of(trial).name}" if context.signals is not None else ""
        said = result.message and f" ({result.message})"
        psnr = "" if result.psnr_db is None else f"  PSNR {result.psnr_db:.2f} dB"
        part = result.amount and f", {result.amount}"  # of a race
        self.write(
            f"trial {trial.number:04} {context.label(trial.configuration)}{of_set}: "
            f"{result.status}{part}{psnr}  {result.seconds:.1f} s{said}"
        )

    def due(self) -> bool:
        """Whether to write about the progress now; afterwards it is not for a while."""
        return self.is_open and self._intervals.over()
