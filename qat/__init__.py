"""Train spiking networks with low-bit weights: the integers of training are those of the chip.

Names are imported when they are first used, so that `import qat.model` alone stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qat import encode, quantize
    from qat.model import Model
    from qat.quantize import TernaryWeights
    from qat.seed import Deployment, QuantizedSNNLayer, deployment, quantize_aware_train_step

__all__ = [
    "Deployment",
    "Model",
    "QuantizedSNNLayer",
    "TernaryWeights",
    "deployment",
    "encode",
    "quantize",
    "quantize_aware_train_step",
]

_MODULES = {
    "Deployment": "seed",
    "Model": "model",
    "QuantizedSNNLayer": "seed",
    "TernaryWeights": "quantize",
    "deployment": "seed",
    "quantize_aware_train_step": "seed",
}
"""The module that holds each public name; the other names of `__all__` are modules."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(import_module(f"qat.{_MODULES[name]}"), name)
    elif name in __all__:
        value = import_module(f"qat.{name}")
    else:
        raise AttributeError(f"module 'qat' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
