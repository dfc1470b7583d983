"""How the values of a signal lie: NIR has the channels first, the integer model has them last."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Shape
from qat.nir.nodes import Extent


def shape_of(extent: Extent) -> Shape:
    """Return the shape that the model gives a signal; a length alone is a map of height 1."""
    if len(extent) == 3:
        return Shape(extent[1], extent[2], extent[0])
    if len(extent) == 2:
        return Shape(1, extent[1], extent[0])
    return Shape.vector(prod(extent))


def model_order(extent: Extent) -> NDArray[np.int64]:
    """Return, for every value of the model's signal, its place in NIR's."""
    places = np.arange(prod(extent)).reshape(extent)
    return np.moveaxis(places, 0, -1).ravel() if len(extent) > 1 else places.ravel()


def as_model(values: NDArray[Any], extent: Extent) -> NDArray[Any]:
    """Return signals, (..., *extent), as the model has them, (..., values)."""
    lead = values.shape[: values.ndim - len(extent)]
    return values.reshape(*lead, -1)[..., model_order(extent)]


def kernel_of(weight: NDArray[Any]) -> NDArray[Any]:
    """Return the weights of a convolution as the model has them: (channels, ky, kx, channels)."""
    if weight.ndim == 3:
        weight = weight[:, :, None]
    return np.moveaxis(weight, 1, 3)
