"""Networks of others: NIR files are read, run as their framework does, and made integer models.

Names are imported when they are first used: `--help` needs no NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qat.nir.drift import Drift
    from qat.nir.exported import Exported, export, round_trip
    from qat.nir.imported import Imported, load
    from qat.nir.reading import Read, UnprovedError, read
    from qat.nir.settle import Options

__all__ = [
    "Drift",
    "Exported",
    "Imported",
    "Options",
    "Read",
    "UnprovedError",
    "export",
    "load",
    "read",
    "round_trip",
]

_MODULES = {
    "Drift": "drift",
    "Exported": "exported",
    "Imported": "imported",
    "Options": "settle",
    "Read": "reading",
    "UnprovedError": "reading",
    "export": "exported",
    "load": "imported",
    "read": "reading",
    "round_trip": "exported",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'qat.nir' has no attribute {name!r}")
    value = getattr(import_module(f"qat.nir.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
