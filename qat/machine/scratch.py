"""Temporary folders."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "spikemcu-"


def temporary_folder() -> Path:
    """Return the folder that TMPDIR names, or the system's; ValueError if none can be written."""
    try:
        return Path(tempfile.gettempdir()).absolute()
    except FileNotFoundError:
        raise ValueError(
            "no folder for temporary files can be written; set TMPDIR to one that can"
        ) from None


def new_folder(inside: Path | None = None) -> Path:
    """Return a new folder of our own, in the one for temporary files or in another.

    Whoever asks for it removes it. Raises OSError, and ValueError as temporary_folder does.
    """
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=inside or temporary_folder()))


@contextmanager
def scratch(inside: Path | None = None) -> Iterator[Path]:
    """Make a folder as new_folder does, and remove it with everything in it."""
    folder = new_folder(inside)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
