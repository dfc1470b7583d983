"""Checks before long work starts: can its outputs be written, are the tools there?"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from codegen.base.errors import MissingToolError
from codegen.checks.host import CompilerError, find_compiler
from codegen.target.compiler import find_cross_compiler
from codegen.target.qemu import find_qemu
from qat.model import writing
from qat.model.atomic import require_no_file, unread


def require_output(path: str | Path | None) -> None:
    """Raise ValueError for a file that could not be written; None stands for no file."""
    if path is None:
        return
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: cannot be written (it is a folder; name a file)")
    if path.is_fifo():
        _require_reader(path)
    if path.exists() and not path.is_file():
        return  # a device or a pipe, which is written to as it is
    folder = path.resolve().parent
    if not folder.is_dir():
        raise ValueError(f"{path}: cannot be written; {folder} is no folder")
    _require_room(folder, path)


def require_folder(path: str | Path | None) -> None:
    """Make a folder if it is not there; ValueError if files could not be written to it."""
    if path is None:
        return
    path = Path(path)
    require_no_file(path)
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    _require_room(path, path)


def _require_reader(path: Path) -> None:
    """Raise ValueError for a pipe that nobody reads: to write to it would wait, for good perhaps.

    The pipe stays open to the end of the process: else its reader would see an end now.
    """
    try:
        os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({unread(error)})") from None


def _require_room(folder: Path, path: Path) -> None:
    """Raise ValueError if no file can be made in a folder, by making one without a name."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"{path}: cannot be written; {folder} is no writable folder ({error.strerror})"
        ) from None


def missing_tool() -> str | None:
    """Return one line about a missing cross compiler or QEMU, None if both are here."""
    try:
        find_cross_compiler()
        find_qemu()
    except MissingToolError as error:
        return str(error)
    return None


def missing_compiler() -> str | None:
    """Return one line about a missing C compiler, None if there is one."""
    try:
        find_compiler()
    except CompilerError as error:
        return str(error)
    return None
