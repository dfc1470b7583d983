"""Files from outside: only regular files are read, and only up to a limit.

A device or a pipe in the place of a file has no end, or makes whoever opens it wait for a writer.
Even a shell's <(...) is such a pipe, so it is refused as well: what a file is read for, its size
and its place are needed more than once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from os import PathLike
from typing import BinaryIO

OTHERS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "is a folder; name a file"),
    (stat.S_ISFIFO, "is a pipe; write what comes out of it to a file, and name that"),
    (stat.S_ISCHR, "is a device; name a file"),
    (stat.S_ISBLK, "is a device; name a file"),
    (stat.S_ISSOCK, "is a socket; name a file"),
)


def _check_mode(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    texts = [text for is_one, text in OTHERS if is_one(mode)]
    raise ValueError(texts[0] if texts else "is no file")


def require_regular(path: str | PathLike[str]) -> None:
    """Raise OSError for what is not there, and ValueError as `open_regular` does; open nothing."""
    _check_mode(os.stat(path).st_mode)


def open_regular(path: str | PathLike[str]) -> BinaryIO:
    """Open a file to read its bytes; nothing here waits.

    Raises OSError if it cannot be opened, and ValueError, in words that follow the name of the
    file, for what is none: a folder, a pipe, a device, a socket.
    """
    _check_mode(os.stat(path).st_mode)  # before it is opened: some devices act on that
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check_mode(os.fstat(descriptor).st_mode)  # it may have been exchanged meanwhile
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | PathLike[str], most: int) -> bytes:
    """Return the bytes of a file, `most` of them at most.

    Raises OSError, and ValueError as `open_regular` does, also for a larger file.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size <= most:
            data = file.read(most + 1)  # it may grow meanwhile
            if len(data) <= most:
                return data
    raise ValueError(f"is larger than {most:,} bytes, the most that is read")
