"""Processes of commands: new ones, and forks of one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tests.command_line import MAIN

FORKS = multiprocessing.get_context("forkserver")


def begin_forks() -> None:
    """Start the process from which commands are forked, and wait until it has imported all."""
    FORKS.set_forkserver_preload(["tests.soak.imports"])
    first = FORKS.Process(target=int)
    first.start()
    first.join()


class Forked:
    """A command in a process that is forked from one which has imported everything.

    It has the interface of `subprocess.Popen`, as far as it is needed here.
    """

    def __init__(self, line: str, folder: Path, said: Path) -> None:
        self._process = FORKS.Process(target=forked, args=(line.split(), folder, said))
        self._process.start()
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """The exit code, or the negative number of a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("a forked command", timeout or 0.0)
        return self.returncode


def forked(arguments: list[str], folder: Path, said: Path) -> None:
    """Run a command in a forked process."""
    from enas_inr.cli.main import main as command

    os.setsid()
    os.chdir(folder)
    stream = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", 1)
    os.environ |= {"ENAS_INR_CACHE": str(folder / "cache")}
    sys.argv[1:] = arguments
    command()


Process = subprocess.Popen[bytes] | Forked


def start(line: str, folder: Path, said: Path, *, fork: bool = False) -> Process:
    """Start a command in a session of its own."""
    if fork:
        return Forked(line, folder, said)
    environment = os.environ | {"ENAS_INR_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    with said.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, *line.split()],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )


def alive(session: int) -> list[psutil.Process]:
    """Return the processes of a session that have not ended."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            running = process.status() != psutil.STATUS_ZOMBIE
            if running and os.getsid(process.pid) == session:
                found.append(process)
    return found


def named_process(process: psutil.Process) -> str:
    """Return the number, the parent and the command line of a process."""
    try:
        line = " ".join(process.cmdline())[:80]
        return f"{process.pid} of {process.ppid()} ({process.name()}: {line})"
    except psutil.Error:
        return str(process.pid)


def handles(process: Process) -> bool:
    """Whether a process has come so far that it handles signals."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "SigCgt":
                return bool(int(value, 16) & 1 << (signal.SIGHUP - 1))
    return False
