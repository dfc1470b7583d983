"""Where things lie: the assets of this package, and the user's cache."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DISTRIBUTION = "spikemcu"


def assets() -> Path:
    """Return the folder that holds `firmware` and `boards`.

    In an installed wheel they lie inside this package, in a checkout beside it.
    """
    package = Path(__file__).resolve().parent
    installed = package / "_assets"
    return installed if installed.is_dir() else package.parent


def cache_dir() -> Path:
    """Return the folder for what can be made again; it need not exist yet.

    SPIKEMCU_CACHE, or XDG_CACHE_HOME/spikemcu, or ~/.cache/spikemcu.
    """
    chosen = os.environ.get("SPIKEMCU_CACHE")
    if chosen:
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / DISTRIBUTION


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, which is made; other processes wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
