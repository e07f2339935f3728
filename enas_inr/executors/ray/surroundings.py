"""What Ray must not change, inherit or print where a search starts it, and who can reach it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from io import TextIOBase
from typing import TYPE_CHECKING, TextIO
from urllib.request import urlopen

from enas_inr.errors import SpecError

if TYPE_CHECKING:
    from types import ModuleType

ANSWER_SECONDS = 10.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CREDENTIALS = ("ENAS_INR_STORAGE", "PGPASSWORD", "MYSQL_PWD")
INSTALL = ("_ZN3ray6RayLog27InstallFailureSignalHandlerEPKcb", None, False)
UNINSTALL = ("_ZN3ray6RayLog21UninstallSignalActionEv",)
SEVERAL_MACHINES = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
FOLDERS = ("RAY_TMPDIR", "TMPDIR") if sys.platform == "linux" else ("RAY_TMPDIR",)
SOCKET = "/ray/session_2026-01-31_23-59-59_123456_/sockets/plasma_store"  # without the process


@contextmanager
def kept_handlers() -> Iterator[None]:
    """Keep the handlers of signals, since Ray replaces that of SIGTERM by one with a stack trace.

    If no handler was there, that of Ray stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: handler for n in ENDING if (handler := signal.getsignal(n))}
    ours = {n: handler for n, handler in before.items() if handler is not signal.SIG_DFL}
    told = False
    try:
        yield
    except SystemExit:  # by the handler of Ray
        told = True
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
    if told:
        signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt  # the handler only notes the signal, and Ray has not started


@contextmanager
def without_traces(ray: ModuleType) -> Iterator[None]:
    """Let SIGTERM print no stack trace while Ray starts, and end nothing after its end.

    Ray's library installs its own handler below that of Python in the middle of the start, and puts
    that of the system in its place when Ray ends. It does the first only if it has not done so, and
    the second only if it has, so both are done here, where the handler of Python can be restored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    library = ctypes.CDLL(ray._raylet.__file__)
    _call(library, *INSTALL)
    try:
        yield
    finally:
        _call(library, *UNINSTALL)


def _call(library: ctypes.CDLL, name: str, *arguments: object) -> None:
    """Call a function that changes handlers, if a version of Ray has it; keep that of SIGTERM."""
    if function := getattr(library, name, None):
        function(*arguments)
        if handler := signal.getsignal(signal.SIGTERM):
            signal.signal(signal.SIGTERM, handler)


@contextmanager
def on_loopback(ray: ModuleType) -> Iterator[None]:
    """Let a cluster that is started within the block listen on this machine only.

    Ray does so where it does not support several machines, which is a setting. A loopback address
    of the node would be replaced by that of the network.
    """
    constants = ray._private.ray_constants
    supported, given = constants.ENABLE_RAY_CLUSTER, os.environ.get(SEVERAL_MACHINES)
    constants.ENABLE_RAY_CLUSTER, os.environ[SEVERAL_MACHINES] = False, "0"
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = supported
        del os.environ[SEVERAL_MACHINES]
        if given is not None:
            os.environ[SEVERAL_MACHINES] = given


def folder_of_ray(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the folder for Ray's sockets and logs, and the variable that names it; empty for none.

    Args:
        environment: the environment variables.
    """
    name = next((name for name in FOLDERS if name in environment), "")
    return environment.get(name, "/tmp"), name


def check_socket_paths(environment: Mapping[str, str]) -> None:
    """Check whether the paths of Ray's sockets are short enough for the system.

    Args:
        environment: the environment variables.

    Raises:
        SpecError: they are not.
    """
    folder, name = folder_of_ray(environment)
    if not os.path.isabs(folder):
        raise SpecError(
            f"{name}={folder!r} is not an absolute path, which Ray needs",
            "set it to one, or unset it",
        )
    used = len(os.fsencode(folder)) + len(SOCKET) + len(str(os.getpid()))
    longest = 103 if sys.platform == "darwin" else 107
    if used > longest:
        left = longest - len(SOCKET) - len(str(os.getpid()))
        raise SpecError(
            f"Ray cannot put its sockets into {name}={folder!r}: its {len(os.fsencode(folder))} "
            f"bytes make paths of {used} bytes, and the system allows {longest}",
            f"set RAY_TMPDIR to a folder of at most {left} bytes, such as /tmp",
        )


@contextmanager
def without_credentials() -> Iterator[None]:
    """Start Ray's processes without the storage's passwords: only this process needs them."""
    names = [name for name in CREDENTIALS if name in os.environ]
    kept = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(kept)


def open_to_all(dashboard: str) -> bool:
    """Whether a dashboard takes commands from everybody who can reach it.

    Args:
        dashboard: its address, `HOST:PORT`.
    """
    try:
        with urlopen(f"http://{dashboard}/api/jobs/", timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (OSError, ValueError):  # it wants a token, or does not answer
        return False


def described(dashboard: str, job: str = "", look: str = "") -> str:
    """Return a line about a dashboard, with a warning if it needs no token.

    Args:
        dashboard: its address, `HOST:PORT`.
        job: the number of the job whose page is named; empty for the first page.
        look: what is seen there, in words.
    """
    if open_to_all(dashboard):
        return (
            f"warning: whoever can reach Ray's dashboard at http://{dashboard} can run programs "
            "with your rights; set RAY_AUTH_MODE=token"
        )
    page = f"/#/jobs/{job}" if job else ""
    line = f"Ray's dashboard: http://{dashboard}{page} (token: `ray get-auth-token`)"
    return f"{line}; {look}" if look else line


class WithoutRaylets(TextIOBase):
    """A stream that drops the long messages that Ray prints for each lost node.

    They would go to stdout, where programs read results, and Ray has no option to disable them.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._dropped = False

    def write(self, text: str) -> int:
        """Pass on all but a raylet's message, and the line feed after it."""
        if "(raylet" in text[:40]:
            self._dropped = True
        elif not (self._dropped and text == "\n"):
            self._dropped = False
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor of the stream."""
        return self._stream.fileno()
