"""The user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """Return the folder for what can be fetched or built again; it need not exist yet.

    The environment variable SPIKEMCU_CACHE, else spikemcu in XDG_CACHE_HOME or ~/.cache.
    """
    own = os.environ.get("SPIKEMCU_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "spikemcu"
