"""The places of files: the assets of this package, and the user's cache."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qat.machine.cache import user_cache

DISTRIBUTION = "spikemcu"


def assets() -> Path:
    """Return the folder that holds `firmware` and `boards`.

    In an installed wheel they lie inside this package, in a checkout beside it.
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "_assets"
    return installed if installed.is_dir() else package.parent


cache_dir = user_cache
"""Returns the folder for what can be made again; there is one rule, that of qat.machine.cache."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, which is made; other processes wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
