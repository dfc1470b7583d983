"""The memory that a task needs, told before the task starts."""

from __future__ import annotations

import os
import resource
from pathlib import Path

BYTES_PER_INPUT = 20
"""Memory that an input takes while data are made, besides its samples."""


def available() -> int | None:
    """Return the bytes of memory that are free for us, or None where the system does not say."""
    known = [size for size in (_of_machine(), _of_limit()) if size is not None]
    return min(known, default=None)


def _of_machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _of_limit() -> int | None:
    """Return what the limit of this process's address space (ulimit -v) leaves."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        used = int(Path("/proc/self/statm").read_text("utf-8").split()[0])
    except (OSError, ValueError):
        return limit
    return max(0, limit - used * os.sysconf("SC_PAGE_SIZE"))


def require(what: str, needed: float, remedy: str) -> None:
    """Raise ValueError, with what to do, if a task needs more bytes than there are."""
    free = available()
    if free is not None and needed > free:
        raise ValueError(
            f"{what}: needs about {_gigabytes(needed)}, {_gigabytes(free)} are free; {remedy}"
        )


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
