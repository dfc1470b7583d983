"""What neurons and a readout keep, as the C tells it: values one array behind the other, by layer.

Behind the arrays of the last layer's neurons stand the membranes of a readout that has such.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Layer, Model

Int32 = NDArray[np.int32]


def state_values(model: Model, index: int) -> int:
    """Return how many values are told of a layer."""
    layer = model.layers[index]
    last = index == len(model.layers) - 1
    return _own(layer) + (readout_values(model) if last else 0)


def readout_values(model: Model) -> int:
    """Return how many membranes the readout has."""
    return model.outputs if model.readout is not None and model.readout.keeps else 0


def _own(layer: Layer) -> int:
    """Return how many values a layer's neurons keep between steps."""
    return layer.size * len(layer.neuron.STATE)


def arrays_of(layer: Layer, values: NDArray[Any]) -> dict[str, Int32]:
    """Return the state arrays by name, (..., neurons), of (..., state_values)."""
    names = layer.neuron.STATE
    parts = np.split(values[..., : _own(layer)], len(names), axis=-1) if names else []
    return {n: np.ascontiguousarray(part) for n, part in zip(names, parts, strict=True)}


def membranes_of(layer: Layer, values: NDArray[Any]) -> Int32:
    """Return the membranes, (..., neurons) as Result.v; none where the layer has no memory."""
    return np.ascontiguousarray(values[..., : layer.size if layer.neuron.STATE else 0])


def further_of(layer: Layer, values: NDArray[Any]) -> dict[str, Int32]:
    """Return the other arrays by name, as Result.further."""
    found = arrays_of(layer, values)
    return {name: found[name] for name in layer.neuron.STATE[1:]}


def integral_of(model: Model, values: NDArray[Any]) -> Int32 | None:
    """Return the readout's membranes, as Result.integral, of those of the last layer."""
    count = readout_values(model)
    return np.ascontiguousarray(values[..., -count:]) if count else None
