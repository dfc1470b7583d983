"""The user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

CHOOSE = "set SPIKEMCU_CACHE to a folder that can be written"


class NoCacheError(ValueError):
    """There is no folder for what can be made again."""


def user_cache() -> Path:
    """Return the folder for what can be fetched or built again, absolute; it need not exist yet.

    The environment variable SPIKEMCU_CACHE, else spikemcu in XDG_CACHE_HOME (which counts only
    as an absolute path, as its standard has it) or in .cache of the home folder. Raises
    NoCacheError where none of these is known.
    """
    own = os.environ.get("SPIKEMCU_CACHE")
    if own:
        return Path(own).absolute()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if shared.is_absolute():
        return shared / "spikemcu"
    return home() / ".cache" / "spikemcu"


def home() -> Path:
    """Return the user's home folder, or raise NoCacheError: a container may have none."""
    try:
        found = Path.home()
    except RuntimeError:  # no HOME, and no entry in the password database
        found = Path()
    if not found.is_absolute():
        raise NoCacheError(f"no cache folder: the user has no home folder; {CHOOSE}")
    return found
