"""Answers of emulated cores, kept by what was asked: sources, options, tools and input.

A count depends on nothing else, so that one which was made before is right. A calibration that
was interrupted goes on where it ended, and one after a change of some kernels counts only the
models whose C is another.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine.cache import user_cache

FOLDER = "counts"
"""In the user's cache."""


class Kept:
    """Answers in a folder of the user's cache; common: what all of them have in common."""

    def __init__(self, *common: Any) -> None:
        self._folder = user_cache() / FOLDER
        self._common = sha256(repr(common).encode()).hexdigest()

    def of(self, asked: Any, answer: Callable[[], NDArray[np.uint32]]) -> NDArray[np.uint32]:
        """Return the answer to what is asked, from the folder if it is there."""
        name = sha256(repr((self._common, asked)).encode()).hexdigest()
        place = self._folder / name[:2] / f"{name}.npy"
        if place.is_file():
            found: NDArray[np.uint32] = np.load(place)
            return found
        made = answer()
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(f".{os.getpid()}.npy")
        np.save(part, made)
        part.replace(place)  # whole, or not there
        return made
