"""Training in a loop of one's own: modules of torch that compute the integers of the model.

Names are imported when they are first used, and torch with them: `import qat` needs none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qat.torch.convert import export, from_network, to_network
    from qat.torch.modules import Layer, Readout
    from qat.torch.others import from_import, from_module
    from qat.torch.parts import ALIF, LI, LIF, Accumulate, Burst, Conv, Count, CuBa, Dense
    from qat.torch.sequential import Sent, Sequential

_MODULES = {
    "ALIF": "parts",
    "LI": "parts",
    "LIF": "parts",
    "Accumulate": "parts",
    "Burst": "parts",
    "Conv": "parts",
    "Count": "parts",
    "CuBa": "parts",
    "Dense": "parts",
    "Layer": "modules",
    "Readout": "modules",
    "Sent": "sequential",
    "Sequential": "sequential",
    "export": "convert",
    "from_import": "others",
    "from_module": "others",
    "from_network": "convert",
    "to_network": "convert",
}
"""The module that holds each public name."""

__all__ = [
    "ALIF",
    "LI",
    "LIF",
    "Accumulate",
    "Burst",
    "Conv",
    "Count",
    "CuBa",
    "Dense",
    "Layer",
    "Readout",
    "Sent",
    "Sequential",
    "export",
    "from_import",
    "from_module",
    "from_network",
    "to_network",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'qat.torch' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"qat.torch.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ModuleNotFoundError(
            "torch is missing; qat.torch needs it: pip install 'torch>=2.4,<3'", name="torch"
        ) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
