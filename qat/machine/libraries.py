"""Shared libraries that were compiled here, loaded from wherever the machine allows it.

A hardened machine mounts the folder of temporary files, or the home folders, so that nothing in
them may run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qat.machine.cache import user_cache
from qat.machine.scratch import scratch, temporary_folder

PLACES: tuple[Callable[[], Path], ...] = (temporary_folder, lambda: user_cache() / "loaded")
"""Where a copy is put if a library cannot be loaded where it lies."""


class LoadError(OSError):
    """A library cannot be loaded from any place that there is."""


def load(ffi: Any, library: Path) -> Any:
    """Return what ffi.dlopen returns for a library, from where it lies or from a copy elsewhere.

    Raises LoadError, in one line that says what to do.
    """
    try:
        return ffi.dlopen(str(library))
    except OSError as error:
        reason = str(error)
    for place in PLACES:
        try:
            return _load_copy(ffi, library, place())
        except (OSError, ValueError):  # ValueError: there is no such place
            continue
    raise LoadError(
        f"{library.parent}: what was compiled there cannot be loaded ({reason}); if its file "
        "system is mounted noexec, set TMPDIR or SPIKEMCU_CACHE to a folder on another one"
    )


def _load_copy(ffi: Any, library: Path, place: Path) -> Any:
    """Load a copy that lies in `place`; it is removed at once, for what is loaded stays."""
    place.mkdir(parents=True, exist_ok=True)
    with scratch(place) as folder:
        return ffi.dlopen(str(shutil.copy(library, folder)))
