"""Weights as codes and scales, with the straight-through gradient beside them.

A quantizer turns real weights w of shape (n_out, n_in) into whole-numbered codes q and a
scale s, one for the layer or one per neuron, so that w is about s * q. Rounding has no
useful derivative; training takes that of the identity instead, the straight-through
estimator (Bengio, Leonard, Courville 2013): `straight_through`.

Related work: QP-SNN (Wei and others, ICLR 2025) also trains spiking networks through a
uniform quantizer, rescales the weights to use the bit width better, and prunes channels.
SpikeFit (Kartashov and others, Rethinking AI workshop at EurIPS 2025) learns the allowed
weight values themselves at 2, 4 or 8 bits. Here the values stay whole numbers on a grid,
because the chip only adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import finite

Float = NDArray[np.floating[Any]]

TERNARY_RATIO = 0.7
"""Ternary threshold as a fraction of mean|w| (Li and Liu, Ternary Weight Networks, 2016)."""

SMALLEST_RANGE = 1e-8
"""The range that an all-zero array is given, so that its step is not zero."""

FAINTEST_NEURON = 2.0**-8
"""The smallest scale of a neuron, as a fraction of its layer's: keeps thresholds in int32."""

FAINTEST_LAYER = 1e-30
"""Weights below count as zero: float32 could not hold the scale of their codes."""


@dataclass(frozen=True, eq=False)
class Quantized:
    """Codes and scale of a layer.

    codes: (n_out, n_in), whole numbers in the dtype of the weights
    scale: float64 of shape () for one per layer, (n_out,) for one per neuron; above 0
    """

    codes: Float
    scale: NDArray[np.float64]


def straight_through(gradient: Float) -> Float:
    """Return dL/dw from dL/d(s*q): the same, as if nothing had been rounded."""
    return gradient


# ------------------------------------------------- quantizers of the trainer


def _per_layer_or_neuron(values: Float, per_neuron: bool, reduce: Any) -> NDArray[np.float64]:
    """Reduce (n_out, n_in) to () or (n_out,), above 0; a neuron without weights is its layer's."""
    layer = np.float64(reduce(values))
    layer = layer if layer > FAINTEST_LAYER else np.float64(1.0)  # as good as zero: any will do
    if not per_neuron:
        return np.asarray(layer)
    neuron = reduce(values, axis=1).astype(np.float64)
    return np.where(neuron > FAINTEST_LAYER, np.maximum(neuron, FAINTEST_NEURON * layer), layer)


def ternary(weight: Float, per_neuron: bool = False, ratio: float = TERNARY_RATIO) -> Quantized:
    """Return codes in {-1, 0, +1} and the scale that fits the weights that are not zero.

        q = sign(w) where |w| > ratio * mean|w|, else 0        s = mean of |w| where q is not 0

    weight: (n_out, n_in). Source: Li and Liu, Ternary Weight Networks, 2016, section 2.
    """
    size = np.abs(weight)
    mean = _per_layer_or_neuron(size, per_neuron, np.mean)
    kept = np.greater(size, (ratio * mean)[..., None].astype(weight.dtype), out=np.empty_like(size))
    codes = np.copysign(kept, weight, out=kept)
    if per_neuron:
        count = np.einsum("ji,ji->j", codes, codes)
        total = np.einsum("ji,ji->j", codes, weight)
    else:  # as products, which linear algebra forms faster than sums
        flat = codes.ravel()
        count, total = np.dot(flat, flat), np.dot(flat, weight.ravel())
    scale = np.where(count > 0, total / np.maximum(count, 1), mean)
    return Quantized(codes, scale.astype(np.float64))


def uniform(weight: Float, per_neuron: bool = False, *, bits: int) -> Quantized:
    """Return signed codes in +-(2**(bits-1) - 1), the largest |w| at the end of the range.

        s = max|w| / (2**(bits-1) - 1)        q = rint(w / s)

    weight: (n_out, n_in). The range is symmetric; the code -2**(bits-1) is not used.
    """
    limit = 2 ** (bits - 1) - 1
    scale = _per_layer_or_neuron(np.abs(weight), per_neuron, np.max) / limit
    return Quantized(np.rint(weight / scale[..., None].astype(weight.dtype)), scale)


def real(weight: Float, per_neuron: bool = False) -> Quantized:
    """Return the weights themselves, for the float network of the same shape."""
    return Quantized(weight, np.asarray(1.0))


Quantizer = Callable[[Float, bool], Quantized]

QUANTIZERS: Mapping[int | None, Quantizer] = MappingProxyType(
    {
        2: ternary,
        4: partial(uniform, bits=4),
        8: partial(uniform, bits=8),
        16: partial(uniform, bits=16),
        None: real,
    }
)
"""The quantizer for each number of weight bits; None is the float network."""


# --------------------------------------------------------------- seed API


def symmetric_step(x: NDArray[Any], bits: int) -> float:
    """Return the step of the symmetric grid: max(max|x|, 1e-8) / (2**bits // 2 - 1)."""
    if bits < 2:
        raise ValueError(f"bits: found {bits}; a symmetric grid needs at least 2")
    limit = 2**bits // 2 - 1
    return max(float(np.abs(x).max()), SMALLEST_RANGE) / limit


def _ste_quantize(x: ArrayLike, bits: int, symmetric: bool = True) -> NDArray[Any]:
    """Return `x` rounded to a grid of `bits` bits (its gradient: `straight_through`).

        symmetric:   round(x / step) * step,              step = max|x| / (2**bits // 2 - 1)
        asymmetric:  round((x - min) / step) * step + min,  step = (max - min) / (2**bits - 1)

    Ties round to even; two symmetric bits give {-A, 0, +A} with A = max|x|.

    x: any shape, finite, not empty. Raises ValueError for NaN, an empty array or too few bits.
    """
    array = finite("x", x)
    if array.size == 0:
        raise ValueError("x: is empty; must hold at least one number")
    if symmetric:
        step = symmetric_step(array, bits)
        return np.round(array / step) * step
    if bits < 1:
        raise ValueError(f"bits: found {bits}; an asymmetric grid needs at least 1")
    lowest = float(array.min())
    step = max(float(array.max()) - lowest, SMALLEST_RANGE) / (2**bits - 1)
    return np.round((array - lowest) / step) * step + lowest


@dataclass(frozen=True)
class TernaryWeights:
    """Weights as {-1, 0, +1}.

        q = sign(w) where |w| > threshold_ratio * mean|w|, else 0

    threshold_ratio: zero or more; with 0.7, about 42 % of normally distributed weights
                     become 0. Raises ValueError if it is negative or NaN.
    """

    threshold_ratio: float = TERNARY_RATIO

    def __post_init__(self) -> None:
        if not self.threshold_ratio >= 0:
            raise ValueError(f"threshold_ratio: found {self.threshold_ratio}; must be 0 or more")

    def quantize(self, w: ArrayLike) -> NDArray[Any]:
        """Return the ternary weights, in the shape and dtype of `w`; ValueError for NaN."""
        array = finite("w", w)
        if array.size == 0:
            raise ValueError("w: is empty; must hold at least one weight")
        threshold = self.threshold_ratio * np.mean(np.abs(array))
        positive, negative = array > threshold, array < -threshold
        return (positive.astype(np.int8) - negative.astype(np.int8)).astype(array.dtype)

    def sparsity(self, w: ArrayLike) -> float:
        """Return the fraction of weights that `quantize` turns into 0."""
        return float(np.mean(self.quantize(w) == 0))
