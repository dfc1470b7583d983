"""Files that are written whole or not at all, whatever interrupts; what is said if it fails."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OPEN_FILES = Path("/proc/self/fd")


def unwritable(path: str | Path, error: OSError) -> str:
    """Return what is said of a file or folder that could not be written, and why."""
    return f"{path}: cannot be written ({error.strerror})"


@contextmanager
def writing(path: str | Path, advice: str = "") -> Iterator[None]:
    """Turn an OSError of what is done inside into a ValueError about `path`.

    advice: what to do about it
    """
    try:
        yield
    except OSError as error:
        raise ValueError("; ".join(filter(None, (unwritable(path, error), advice)))) from None


def write_file(path: Path, data: bytes) -> None:
    """Write a file, all of it or nothing, or raise ValueError."""
    with writing(path):
        write_atomically(path, data)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` so that `path` holds either its old content or all of the new one.

    The bytes go to a file without a name, reach the disk, get a name beside `path`, and take its
    place; the folder reaches the disk last. A process that is killed leaves no file behind, but
    for the moment between the last two. What a symbolic link points to is replaced, not the link;
    a file that was there keeps its permissions. Devices and pipes are written to as they are.

    Raises OSError if that fails; the old content is then still there.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        _write_through(path, data)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _replace(path, data, folder)
        _sync(folder)
    finally:
        os.close(folder)


def require_no_file(path: Path) -> None:
    """Raise ValueError where a folder is asked for and something else is there."""
    if path.exists() and not path.is_dir():
        kind = "file" if path.is_file() else "pipe" if path.is_fifo() else "device"
        raise ValueError(f"{path}: is a {kind}; several files are written: name a folder")


def unread(error: OSError) -> str:
    """Return why a pipe or a device cannot be opened."""
    if error.errno == errno.ENXIO:
        return "it is a pipe that nobody reads; start its reader first, or name a file"
    return error.strerror or str(error)


def _write_through(path: Path, data: bytes) -> None:
    """Write to a device or a pipe, which must have a reader: nobody waits for one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise OSError(error.errno, unread(error)) from None
    os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _replace(path: Path, data: bytes, folder: int) -> None:
    """Put a new file in the place of `path`; folder: the descriptor of the one that it lies in."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    descriptor, named = _open(temporary)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if path.exists():
                os.fchmod(descriptor, path.stat().st_mode & 0o777)
            os.fsync(descriptor)
            if not named:  # given a folder, os.link follows the link that /proc has
                os.link(OPEN_FILES / str(descriptor), temporary.name, dst_dir_fd=folder)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _open(temporary: Path) -> tuple[int, bool]:
    """Return (a new file's descriptor, whether it has the name): where it can be, it has none."""
    if hasattr(os, "O_TMPFILE") and OPEN_FILES.is_dir():
        try:
            return os.open(temporary.parent, os.O_TMPFILE | os.O_WRONLY, 0o666), False
        except OSError:  # not every file system has them
            pass
    return os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), True


def _sync(folder: int) -> None:
    """Have a folder's entries reach the disk, where its file system can do that."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
