"""A folder for PlatformIO whose path a shell, SCons and a compiler all read as it is.

PlatformIO hands paths to a shell and to SCons, where quotes, `$`, `;` and spaces have meanings of
their own: a folder called `a;rm -rf b` would run. So firmware is built in the cache only if its
path is plain, else in a temporary folder under one that is.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codegen.base.errors import BuildError
from qat.machine.scratch import scratch, temporary_folder

PLAIN = re.compile(r"[A-Za-z0-9_./+@-]+")
ALLOWED = "letters, digits and _ - + @ . / of ASCII"
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")


@dataclass(frozen=True)
class Places:
    """The folders of a build: the project, the model, and one for temporary files."""

    project: Path
    model: Path
    temporary: Path


def is_plain(path: str | Path) -> bool:
    """Return True if no shell, build tool or compiler reads more into a path than its letters."""
    return PLAIN.fullmatch(str(path)) is not None


def require_plain(path: Path, what: str, setting: str) -> None:
    """Raise BuildError for a path that PlatformIO cannot be trusted with and we cannot choose."""
    if not is_plain(path):
        raise BuildError(
            f"{what} {path}: PlatformIO runs such a path through a shell, where it may mean "
            f"something else; set {setting} to a path of {ALLOWED}"
        )


def _plain_folder() -> Path:
    """Return a folder for temporary files of a plain path, or raise BuildError."""
    for folder in (temporary_folder(), *map(Path, TEMPORARY)):
        if is_plain(folder) and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise BuildError(
        f"{temporary_folder()}: no folder for temporary files has a path of {ALLOWED}; set TMPDIR "
        "or SPIKEMCU_CACHE to one"
    )


@contextmanager
def sheltered(project: Path, model: Path, lib: Path) -> Iterator[Places]:
    """Yield the folders themselves if their paths are plain, else copies of what a build reads.

    lib: the folder in that of the model that is copied
    """
    if all(map(is_plain, (project, model, temporary_folder()))):
        yield Places(project, model, temporary_folder())
        return
    with scratch(_plain_folder()) as folder:
        places = Places(folder / "project", folder / "model", folder / "tmp")
        for name in ("firmware", "boards"):
            shutil.copytree(project / name, places.project / name)
        shutil.copytree(model / lib, places.model / lib)
        places.temporary.mkdir()
        yield places
