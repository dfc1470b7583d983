"""The state arrays of a layer's neurons, as the C tells them: values one array behind the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Layer

Int32 = NDArray[np.int32]


def state_values(layer: Layer) -> int:
    """Return how many values a layer's neurons keep between steps."""
    return layer.size * len(layer.neuron.STATE)


def arrays_of(layer: Layer, values: NDArray[Any]) -> dict[str, Int32]:
    """Return the state arrays by name, (..., neurons), of (..., state_values)."""
    names = layer.neuron.STATE
    parts = np.split(values, len(names), axis=-1) if names else []
    return {n: np.ascontiguousarray(part) for n, part in zip(names, parts, strict=True)}


def membranes_of(layer: Layer, values: NDArray[Any]) -> Int32:
    """Return the membranes, (..., neurons) as Result.v; none where the layer has no memory."""
    return np.ascontiguousarray(values[..., : layer.size if layer.neuron.STATE else 0])


def further_of(layer: Layer, values: NDArray[Any]) -> dict[str, Int32]:
    """Return the other arrays by name, as Result.further."""
    found = arrays_of(layer, values)
    return {name: found[name] for name in layer.neuron.STATE[1:]}
