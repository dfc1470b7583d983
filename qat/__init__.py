"""Train spiking networks with low-bit weights: the integers of training are those of the chip.

Names are imported when they are first used, so that `import qat.model` alone stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qat import anytime, cache, datasets, encode, nir, quantize, surrogate, torch
    from qat.data.dataset import Dataset
    from qat.model import Model
    from qat.train.divergence import DivergedError
    from qat.train.export import export
    from qat.train.fit import evaluate, fit
    from qat.train.history import Epoch, History
    from qat.train.network import Network
    from qat.train.quantize import TernaryWeights
    from qat.train.recipes import RECIPES, Recipe
    from qat.train.seed import Deployment, QuantizedSNNLayer, deployment, quantize_aware_train_step

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
    "nir",
    "quantize",
    "quantize_aware_train_step",
    "surrogate",
    "torch",
]

_MODULES = {
    "RECIPES": "train.recipes",
    "Dataset": "data.dataset",
    "Deployment": "train.seed",
    "DivergedError": "train.divergence",
    "Epoch": "train.history",
    "History": "train.history",
    "Model": "model",
    "Network": "train.network",
    "QuantizedSNNLayer": "train.seed",
    "Recipe": "train.recipes",
    "TernaryWeights": "train.quantize",
    "deployment": "train.seed",
    "evaluate": "train.fit",
    "export": "train.export",
    "fit": "train.fit",
    "quantize_aware_train_step": "train.seed",
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
