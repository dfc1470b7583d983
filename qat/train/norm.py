"""Batch norm of currents, channel by channel: it folds into whole-number constants.

    y = gain * (s - mean) / sqrt(variance + EPSILON) + shift

of the sums s, in whole numbers. While a network trains, mean and variance are those of the batch;
those of the model are measured over many samples at the end of an epoch (Network.measured), with
the weights as they are then, so that no rate is too high for them. A gain stays above 0: then the
largest of several sums is also the largest y, and a pool may take it before the neurons.

Source: Ioffe and Szegedy, Batch Normalization, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine import native
from qat.train.arrays import as_of, host, is_numpy, namespace, wide, zeros

Float = NDArray[np.floating[Any]]
Float64 = NDArray[np.float64]
Parameters = dict[str, Float]

EPSILON = 1e-3
LEAST_GAIN = 0.05
STATISTICS = ("mean", "variance")
"""Names of what is measured and not learned: the loss of a batch does not depend on them."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and variance of the sums of each channel, float64 (channels,)."""

    mean: Float64
    variance: Float64

    @classmethod
    def of(cls, sums: Float, channels: int) -> Moments:
        """Return the moments of sums (..., values), channels fastest; exact for whole numbers."""
        rows = sums.reshape(-1, channels)
        known = is_numpy(rows) and rows.dtype == np.float32 and rows.size
        library = native.library() if known else None
        if library is not None:
            total, squares = library.moments(np.ascontiguousarray(rows))
        else:
            exact = wide(rows)
            total = exact.sum(axis=0)
            squares = namespace(exact).einsum("ij,ij->j", exact, exact)
        mean = total / len(rows)
        return cls(mean, (squares / len(rows) - mean**2).clip(0))

    @classmethod
    def together(cls, parts: list[Moments]) -> Moments:
        """Return the moments of samples of which several parts, of equal size, have these."""
        mean = np.mean([part.mean for part in parts], axis=0)
        square = np.mean([part.variance + part.mean**2 for part in parts], axis=0)
        return cls(mean, np.maximum(square - mean**2, 0))

    @classmethod
    def in_parameters(cls, parameters: Parameters) -> Moments:
        """Return those that were measured last."""
        mean, variance = (parameters[name].astype(np.float64) for name in STATISTICS)
        return cls(mean, variance)

    def as_parameters(self, dtype: np.dtype[Any]) -> Parameters:
        """Return them as entries of a layer's parameters."""
        return {"mean": self.mean.astype(dtype), "variance": self.variance.astype(dtype)}

    @property
    def inverse(self) -> Float64:
        """1 / the deviation."""
        return 1 / namespace(self.variance).sqrt(self.variance + EPSILON)

    def of_numpy(self) -> Moments:
        """Return them as arrays of NumPy."""
        return Moments(host(self.mean), host(self.variance))


def initial(channels: int) -> Parameters:
    """Return gains of 1, shifts of 0, and moments that were not measured yet."""
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    return {"gain": one, "shift": zero, "mean": zero, "variance": one}


def constrained(parameters: Parameters) -> Parameters:
    """Return the parameters with gains of at least LEAST_GAIN."""
    least = parameters["gain"].dtype.type(LEAST_GAIN)
    return {**parameters, "gain": np.maximum(parameters["gain"], least)}


def scale_and_bias(parameters: Parameters, moments: Moments) -> tuple[Float64, Float64]:
    """Return (a, c) of y = a * s + c, (channels,)."""
    scale = parameters["gain"].astype(np.float64) * moments.inverse
    return scale, parameters["shift"].astype(np.float64) - scale * moments.mean


def backward(
    parameters: Parameters, moments: Moments, d: Float, per_unit: Float64, sums: Float
) -> tuple[Parameters, Float]:
    """Return (gradients of the parameters, dL/d sums).

    d:        dL/dy divided by per_unit, (..., values); may be overwritten
    per_unit: (channels,)
    sums:     of the batch whose moments these are, as many as d
    """
    channels = len(per_unit)
    rows, values = d.reshape(-1, channels), sums.reshape(-1, channels)
    gain, (mean, inverse, unit) = parameters["gain"], (
        as_of(a, d) for a in (moments.mean, moments.inverse, per_unit)
    )  # fmt: skip
    known = is_numpy(d) and values.dtype == d.dtype == np.float32 and rows.size
    library = native.library() if known else None
    if library is not None:
        rows = np.ascontiguousarray(rows)
        constants = (np.ascontiguousarray(gain), mean, inverse, unit)
        d_gain, d_shift = library.norm_backward(rows, np.ascontiguousarray(values), *constants)
    else:
        z = (as_of(values, d) - mean) * inverse
        dy = rows * unit
        d_gain, d_shift = namespace(d).einsum("ij,ij->j", dy, z), dy.sum(axis=0)
        dy -= d_shift / len(dy)
        dy -= z * as_of(d_gain / len(dy), d)
        rows = dy * (gain * inverse)
    zero = zeros((channels,), d)
    own = {"gain": as_of(d_gain, d), "shift": as_of(d_shift, d)}
    return {**own, "mean": zero, "variance": zero}, rows.reshape(d.shape)
