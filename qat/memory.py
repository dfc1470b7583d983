"""How much memory a task needs, told before it starts."""

from __future__ import annotations

import os
from pathlib import Path


def available() -> int | None:
    """Return the bytes of memory that are free for us, or None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def require(what: str, needed: float, remedy: str) -> None:
    """Raise ValueError, with what to do, if a task needs more bytes than there are."""
    free = available()
    if free is not None and needed > free:
        raise ValueError(
            f"{what}: needs about {_gigabytes(needed)}, {_gigabytes(free)} are free; {remedy}"
        )


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
