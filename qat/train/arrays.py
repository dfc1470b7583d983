"""Arrays of NumPy or tensors of torch: what the equations of training need of either.

The forward and backward passes are written once. Where both kinds have an operator, a method or a
function of the same name (floor, where, clip, einsum, amax, ...), that is used, the function as one
of `namespace`; the rest is here. torch is imported by whoever has tensors, never by this module.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_numpy(x: Any) -> bool:
    """Return True for an array or a number of NumPy, False for a tensor."""
    return isinstance(x, np.ndarray | np.generic)


def namespace(x: Any) -> Any:
    """Return the module that has functions for x: numpy or torch."""
    return np if is_numpy(x) else sys.modules["torch"]


def as_of(x: Any, other: Any) -> Any:
    """Return x in the dtype of `other`, and as an array of its kind, on its device."""
    if not is_numpy(other):
        return namespace(other).as_tensor(_own(x), dtype=other.dtype, device=other.device)
    return np.asarray(x).astype(other.dtype, copy=False)


def like(x: Any, other: Any) -> Any:
    """Return an array x of NumPy as an array of the kind of `other`, on its device; its own dtype.

    Indices and constants of a model come through here; with NumPy nothing happens.
    """
    return x if is_numpy(other) else namespace(other).as_tensor(_own(x), device=other.device)


def _own(x: Any) -> Any:
    """Return x, as a copy if it is an array that may not be written to: tensors always may."""
    return x.copy() if isinstance(x, np.ndarray) and not x.flags.writeable else x


def wide(x: Any) -> Any:
    """Return x in float64."""
    return x.astype(np.float64) if is_numpy(x) else x.double()


def real(x: Any) -> Any:
    """Return x as it is if its dtype is a float, else in one that holds it: float32 or float64."""
    if is_numpy(x):
        return x.astype(np.result_type(x, np.float32), copy=False)
    return x if x.is_floating_point() else x.float()


def host(x: Any) -> NDArray[Any]:
    """Return x as an array of NumPy."""
    return np.asarray(x) if is_numpy(x) else x.detach().cpu().numpy()


def empty(shape: tuple[int, ...], other: Any) -> Any:
    """Return an array of a shape, in the dtype and of the kind of `other`, with any values."""
    return np.empty(shape, other.dtype) if is_numpy(other) else other.new_empty(shape)


def zeros(shape: tuple[int, ...], other: Any) -> Any:
    """Return zeros of a shape, in the dtype and of the kind of `other`."""
    return np.zeros(shape, other.dtype) if is_numpy(other) else other.new_zeros(shape)


def repeated(x: Any, count: int, axis: int) -> Any:
    """Return x with each entry of an axis `count` times, one behind the other."""
    if is_numpy(x):
        return x.repeat(count, axis=axis)
    return namespace(x).repeat_interleave(x, count, dim=axis)


def contiguous(x: Any) -> Any:
    """Return x as it is if its values lie one behind the other, else a copy of which that holds."""
    return np.ascontiguousarray(x) if is_numpy(x) else x.contiguous()
