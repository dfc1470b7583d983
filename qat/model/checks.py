"""Checks that the records share; each names what was found and what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

INT32_MAX = 2**31 - 1

IntArray = NDArray[np.integer[Any]]


def integer(what: str, value: Any, low: int, high: int) -> int:
    """Return `value` as an int within [low, high], or raise ValueError naming `what`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{what}: found {value!r}; must be an integer in [{low}, {high}]")
    if not low <= value <= high:
        raise ValueError(f"{what}: found {int(value)}; allowed are {low} to {high}")
    return int(value)


def integers(what: str, value: ArrayLike, low: int, high: int, dtype: Any) -> IntArray:
    """Return `value` as a read-only integer array within [low, high], or raise ValueError."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{what}: found dtype {array.dtype}; must hold integers")
    if array.size and (array.min() < low or array.max() > high):
        bad = int(array.min()) if array.min() < low else int(array.max())
        raise ValueError(f"{what}: holds {bad}; allowed are {low} to {high}")
    array = np.array(array, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def per_layer_or_neuron(what: str, value: ArrayLike, low: int) -> IntArray:
    """Return int32 of shape () for one value per layer, (n,) for one per neuron."""
    array = integers(what, value, low, INT32_MAX, np.int32)
    if array.ndim > 1:
        raise ValueError(f"{what}: found shape {array.shape}; one value, or one per neuron")
    return array


def must_match(what: str, array: IntArray, size: int) -> None:
    """Refuse a per-neuron array whose length is not the number of neurons."""
    if array.ndim == 1 and len(array) != size:
        raise ValueError(f"{what}: found {len(array)} values; the layer has {size} neurons")
