"""Train spiking networks with low-bit weights: the integers of training are those of the chip.

Names are imported when they are first used, so that `import qat.model` alone stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qat import anytime, cache, datasets, encode, quantize, surrogate
    from qat.datasets import Dataset
    from qat.deploy import export
    from qat.divergence import DivergedError
    from qat.history import Epoch, History
    from qat.model import Model
    from qat.network import Network
    from qat.quantize import TernaryWeights
    from qat.recipes import RECIPES, Recipe
    from qat.seed import Deployment, QuantizedSNNLayer, deployment, quantize_aware_train_step
    from qat.train import evaluate, fit

__all__ = [
    "RECIPES",
    "Dataset",
    "Deployment",
    "DivergedError",
    "Epoch",
    "History",
    "Model",
    "Network",
    "QuantizedSNNLayer",
    "Recipe",
    "TernaryWeights",
    "anytime",
    "cache",
    "datasets",
    "deployment",
    "encode",
    "evaluate",
    "export",
    "fit",
    "quantize",
    "quantize_aware_train_step",
    "surrogate",
]

_MODULES = {
    "RECIPES": "recipes",
    "Dataset": "datasets",
    "Deployment": "seed",
    "DivergedError": "divergence",
    "Epoch": "history",
    "History": "history",
    "Model": "model",
    "Network": "network",
    "QuantizedSNNLayer": "seed",
    "Recipe": "recipes",
    "TernaryWeights": "quantize",
    "deployment": "seed",
    "evaluate": "train",
    "export": "deploy",
    "fit": "train",
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
