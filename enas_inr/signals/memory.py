"""The memory that this process can still use."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from enas_inr.errors import SignalError
from enas_inr.validation import format_quantity

_MEMINFO = Path("/proc/meminfo")
_STATM = Path("/proc/self/statm")
_GROUP = Path("/sys/fs/cgroup")


def check_memory(needed: int, what: str, hint: str) -> None:
    """Refuse what does not fit in the memory, before it is begun.

    Args:
        needed: bytes that it needs.
        what: what needs them, for messages.
        hint: what to do about it.

    Raises:
        SignalError: the message has both numbers of bytes.
    """
    available = available_bytes()
    if available is not None and needed > available:
        raise SignalError(
            f"{what} needs {format_quantity(needed)}B of memory, and "
            f"{format_quantity(max(available, 0))}B are available",
            hint,
        )


def available_bytes() -> int | None:
    """Return the bytes that this process can still allocate; None if that is not known.

    They are limited by the free memory of the machine, that of a container, and the limit of the
    address space (`ulimit -v`).
    """
    found = [_of_machine(), _of_group(), _of_limit()]
    return min((one for one in found if one is not None), default=None)


def _of_machine() -> int | None:
    with suppress(OSError):
        match = re.search(r"^MemAvailable:\s+(\d+) kB", _MEMINFO.read_text(), re.MULTILINE)
        return 1024 * int(match[1]) if match else None
    return None


def _of_group() -> int | None:
    """Return what is left of the limit of a control group (version 2), as containers have."""
    with suppress(OSError, ValueError):
        limit = int((_GROUP / "memory.max").read_text())  # or `max`
        used = int((_GROUP / "memory.current").read_text())
        cached = re.search(r"^inactive_file (\d+)", (_GROUP / "memory.stat").read_text(), re.M)
        return limit - used + (int(cached[1]) if cached else 0)
    return None


def _of_limit() -> int | None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            pages = int(_STATM.read_text().split()[0])
            return limit - pages * os.sysconf("SC_PAGE_SIZE")
    return None
