"""The user's cache: the public name of qat.machine.cache."""

from __future__ import annotations

from qat.machine.cache import CHOOSE, NoCacheError, home, user_cache

__all__ = [
    "CHOOSE",
    "NoCacheError",
    "home",
    "user_cache",
]
