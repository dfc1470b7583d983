"""Float -> integers: the one place where real weights and constants become those of a model.

The trainer folds its parameters here at every step, and the seed API folds its layer once; whoever
brings a network from elsewhere does the same. With w about scale_j * q, an input of 1 worth
`inflow.scale`, and e the exponent that gives the threshold its resolution,

    unit_j  = scale_j * inflow.scale * 2**e         the real value of 1 in the membrane
    Theta_j = max(1, rint(threshold_j / unit_j))    B_j = rint(bias_j / unit_j)

where e = input_shift >= 0 for values, e = -fraction_bits <= 0 for spikes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, log2
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model import LIF, Dense, Layer
from qat.model.checks import INT32_MAX, MAX_SHIFT
from qat.train.lif import Dynamics
from qat.train.quantize import Quantized

Float = NDArray[np.floating[Any]]


RESOLUTION = 16
"""The smallest threshold of a layer, in units of its membrane, is at least this where shifts
allow it; more made no difference to accuracy, and every doubling widens the membrane by a bit."""


@dataclass(frozen=True)
class Inflow:
    """What reaches a layer: whole numbers in [low, high], each worth `scale`; bytes or spikes."""

    low: int = 0
    high: int = 1
    scale: float = 1.0
    spiking: bool = True

    @property
    def magnitude(self) -> int:
        """Largest absolute value of an input."""
        return max(self.high, -self.low)


SPIKES = Inflow()
"""What one layer of neurons sends to the next."""


@dataclass(frozen=True, eq=False)
class Constants:
    """A layer as its integer model sees it; all arrays are float, and whole where `rounded`.

    codes:     (n_out, n_in), in the dtype that is exact for this layer
    bias:      () or (n_out,); threshold likewise, None for a readout
    unit:      float64 () or (n_out,): the real value of 1 in the membrane
    exponent:  e: the input shift of bytes, minus the fraction bits of spikes
    """

    codes: Float
    bias: Float
    threshold: Float | None
    unit: NDArray[np.float64]
    exponent: int
    inflow: Inflow
    rounded: bool

    def real(self, integers: Float) -> Float:
        """Return values in units of the membrane, (..., n_out), as real values."""
        return integers * self.unit.astype(integers.dtype)


def fold(
    weights: Quantized,
    inflow: Inflow,
    bits: int | None,
    *,
    bias: ArrayLike = 0.0,
    threshold: ArrayLike | None = None,
    resolution: float = RESOLUTION,
    leak_bound: float = 1.0,
    dtype: np.dtype[Any] | None = None,
) -> Constants:
    """Return the constants of a layer, by the equations above.

    weights:    codes, (n_out, n_in), and their scale; real weights where bits is None
    inflow:     what an input is worth, its range, and whether it is spikes
    bits:       2, 4, 8, 16; None for a float network, whose constants are not rounded
    bias, threshold: real values, one or one per neuron; no threshold for a readout
    resolution: units that the smallest threshold (1 without one) has at least, as shifts allow
    leak_bound: how many times its largest current a membrane and its partial sums can reach
    dtype:      of the constants, if it holds every value on the way; else, and by default, float64
    """
    base = weights.scale * inflow.scale
    real = None if threshold is None else np.asarray(threshold, np.float64)
    least = np.min((1.0 if real is None else real) / (base * resolution))
    exponent = 0 if bits is None else _exponent(float(least), inflow)
    unit = base * 2.0**exponent
    b = np.asarray(bias, np.float64) / unit
    theta = None if real is None else real / unit
    if bits is not None:
        b = np.rint(b)
        theta = None if theta is None else np.clip(np.rint(theta), 1, INT32_MAX)
    whole = Constants(weights.codes, b, theta, unit, exponent, inflow, bits is not None)
    if dtype is None or (bits is not None and _magnitude(whole, bits, leak_bound) >= 2**24):
        dtype = np.dtype(np.float64)
    return replace(
        whole,
        codes=weights.codes.astype(dtype, copy=False),
        bias=b.astype(dtype),
        threshold=None if theta is None else theta.astype(dtype),
    )


def _exponent(ratio: float, inflow: Inflow) -> int:
    """Return e with 2**e <= ratio, as far as the layer's shifts go."""
    low, high = (-MAX_SHIFT, 0) if inflow.spiking else (0, MAX_SHIFT)
    return min(max(floor(log2(ratio)), low), high)


def _magnitude(folded: Constants, bits: int, leak_bound: float) -> float:
    """Return a bound of every value that the forward pass forms, for any input."""
    codes, exponent = folded.codes, folded.exponent
    half = 2.0 ** (exponent - 1) if exponent > 0 else 0.0
    rest = 1 + float(np.abs(folded.bias).max())
    threshold = 0.0 if folded.threshold is None else float(np.max(folded.threshold))

    def bound(codes_of_a_neuron: float) -> float:
        a = codes_of_a_neuron * folded.inflow.magnitude
        current = (a + half) * 2.0**-exponent + rest
        return max(a + half, current * leak_bound, threshold)

    at_most = bound(codes.shape[1] * (2.0 ** (bits - 1) - (bits != 2)))
    if at_most < 2**24:
        return at_most  # whatever the codes are
    return bound(float(np.abs(codes).sum(axis=1, dtype=np.float64).max()))


def _whole(values: NDArray[Any]) -> NDArray[np.int64]:
    integers = np.rint(values).astype(np.int64)
    assert (integers == values).all(), "folded constants must be whole numbers"
    return integers


def synapse(constants: Constants, bits: int) -> Dense:
    """Return the synapse of folded constants."""
    spiking, e = constants.inflow.spiking, constants.exponent
    return Dense(
        _whole(constants.codes),
        bits,
        _whole(constants.bias),
        fraction_bits=-e if spiking else 0,
        input_shift=0 if spiking else e,
    )


def layer(constants: Constants, bits: int, dynamics: Dynamics) -> Layer:
    """Return the layer of folded constants and of what its neurons do with their membranes."""
    assert constants.threshold is not None
    floor_, ceiling = dynamics.limits or (None, None)
    neuron = LIF(
        _whole(constants.threshold), dynamics.leak, dynamics.reset, floor=floor_, ceiling=ceiling
    )
    return Layer(synapse(constants, bits), neuron)


def currents(constants: Constants, x: NDArray[Any]) -> Float:
    """Return I for inputs of (..., n_in): the equation of qat.model.Dense, exactly."""
    codes, exponent = constants.codes, constants.exponent
    flat = x.reshape(-1, x.shape[-1]).astype(codes.dtype, copy=False)
    a: Float = flat @ codes.T
    if exponent > 0 and constants.rounded:
        a += 2.0 ** (exponent - 1)
    if exponent:
        a *= 2.0**-exponent
    if exponent > 0 and constants.rounded:
        np.floor(a, out=a)
    a += constants.bias
    return a.reshape(*x.shape[:-1], len(codes))
