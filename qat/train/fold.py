"""Float -> integers: the one place where real weights and constants become those of a model.

The trainer folds its parameters here at every step, and the seed API folds its layer once; whoever
brings a network from elsewhere does the same. With w about scale_j * q, an input of 1 worth
`inflow.scale`, and e the exponent that gives the threshold its resolution,

    unit_j  = scale_j * inflow.scale * 2**e         the real value of 1 in the membrane
    Theta_j = max(1, rint(threshold_j / unit_j))    B_j = rint(bias_j / unit_j)

where e = input_shift >= 0 for values, e = -fraction_bits <= 0 for spikes. A neuron without memory
needs no shift and no bias: with l_d the real level at which it emits d spikes, the whole number

    t_dj = ceil((l_d - bias_j) / unit_j)            unit_j = scale_j * inflow.scale

is exact. A batch norm is a scale and a bias for each channel, and folds like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, log2
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import INT32_MAX, MAX_SHIFT
from qat.model.leak import MAX_LEAK_TERMS
from qat.train.arrays import like, namespace
from qat.train.delays import Lags
from qat.train.quantize import Quantized

Float = NDArray[np.floating[Any]]


RESOLUTION = 16
"""The smallest threshold of a layer, in units of its membrane, is at least this where shifts
allow it; more made no difference to accuracy, and every doubling widens the membrane by a bit."""


@dataclass(frozen=True)
class Inflow:
    """What reaches a layer: whole numbers in [low, high], each worth `scale`; bytes or a signal.

    spiking: True for a signal of spikes or counts
    """

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
class EdgeConstants:
    """A further edge of a layer as its integer model sees it.

    codes:    (channels, n_in), whole where the layer's are
    exponent: minus the fraction bits of spikes, or 0 of values
    lags:     its delays
    """

    codes: Float
    exponent: int
    lags: Lags

    @property
    def weights(self) -> Float:
        """The codes in units of the membrane."""
        return self.codes * 2.0**-self.exponent

    def on(self, other: Any) -> EdgeConstants:
        """Return them as arrays of the kind of `other`."""
        return replace(self, codes=like(self.codes, other))


@dataclass(frozen=True, eq=False)
class Constants:
    """A layer as its integer model sees it; all arrays are float, and whole where `rounded`.

    codes:     (channels, ...), in the dtype that is exact for this layer
    bias:      () or (channels,); threshold likewise, None for a readout; of a neuron without
               memory (levels, channels), and no bias
    unit:      float64 () or (channels,): the real value of 1 in the membrane
    exponent:  e: the input shift of bytes, minus the fraction bits of spikes
    offset:    float64 () or (channels,): the bias in these units before it was rounded, or
               became part of thresholds
    reset_to:  () or (channels,): what a spike leaves of a membrane; None where nothing says so
    lags:      the delays of the layer's first edge, None where there are none
    more:      its further edges
    """

    codes: Float
    bias: Float
    threshold: Float | None
    unit: NDArray[np.float64]
    exponent: int
    inflow: Inflow
    rounded: bool
    offset: NDArray[np.float64]
    reset_to: Float | None = None
    lags: Lags | None = None
    more: tuple[EdgeConstants, ...] = ()

    def real(self, integers: Float) -> Float:
        """Return values in units of the membrane, (..., channels), as real values."""
        return integers * self.unit.astype(integers.dtype)

    def on(self, other: Any) -> Constants:
        """Return them as arrays of the kind of `other`, on its device; delays stay with NumPy."""
        names = ("codes", "bias", "threshold", "unit", "offset", "reset_to")
        given = {name: getattr(self, name) for name in names}
        own = {name: like(value, other) for name, value in given.items() if value is not None}
        return replace(self, **own, more=tuple(edge.on(other) for edge in self.more))


def fold(
    weights: Quantized,
    inflow: Inflow,
    bits: int | None,
    *,
    bias: ArrayLike = 0.0,
    threshold: ArrayLike | None = None,
    levels: ArrayLike | None = None,
    most: float = 1,
    resolution: float = RESOLUTION,
    fraction_bits: int = 0,
    leak_bound: float = 1.0,
    reset_to: float | None = None,
    dtype: np.dtype[Any] | None = None,
) -> Constants:
    """Return the constants of a layer, by the equations above.

    weights:    codes, (channels, ...), and their scale; real weights where bits is None
    inflow:     what an input is worth, its range, and whether it is spikes
    bits:       2, 4, 8, 16; None for a float network, whose constants are not rounded
    bias, threshold: real values, one or one per channel; no threshold for a readout
    levels:     of neurons without memory, in place of a threshold: (D,) real values
    most:       the largest threshold that a spike is compared with, in units of the first one
    resolution: units that the smallest threshold (1 without one) has at least, as shifts allow
    fraction_bits: the least that a bias on a signal has
    leak_bound: how many times its largest current a membrane and its partial sums can reach
    reset_to:   real value that a spike leaves in place of a membrane; None where it subtracts
    dtype:      of the constants, if it holds every value on the way; else, and by default, float64
    """
    base = weights.scale * inflow.scale
    if levels is not None:
        return _of_levels(weights, inflow, bits, bias=bias, levels=levels, dtype=dtype)
    real = None if threshold is None else np.asarray(threshold, np.float64)
    least = np.min((1.0 if real is None else real) / (base * resolution))
    exponent = 0 if bits is None else _exponent(float(least), inflow, fraction_bits)
    unit = base * 2.0**exponent
    offset = b = np.asarray(bias, np.float64) / unit
    theta = None if real is None else real / unit
    left = None if reset_to is None else np.asarray(reset_to / unit)
    if bits is not None:
        b, left = np.rint(b), None if left is None else np.rint(left)
        theta = None if theta is None else np.clip(np.rint(theta), 1, INT32_MAX)
    rounded = bits is not None
    whole = Constants(weights.codes, b, theta, unit, exponent, inflow, rounded, offset, left)
    if dtype is None or (bits is not None and magnitude(whole, bits, leak_bound, most) >= 2**24):
        dtype = np.dtype(np.float64)
    return replace(
        whole,
        codes=weights.codes.astype(dtype, copy=False),
        bias=b.astype(dtype),
        threshold=None if theta is None else theta.astype(dtype),
        reset_to=None if left is None else left.astype(dtype),
    )


def _of_levels(
    weights: Quantized,
    inflow: Inflow,
    bits: int | None,
    *,
    bias: ArrayLike,
    levels: ArrayLike,
    dtype: np.dtype[Any] | None,
) -> Constants:
    """Return the constants of neurons without memory: thresholds for each channel, no bias.

    A threshold beyond the sums of its channel is moved to their edge, which changes no count.
    """
    unit = weights.scale * inflow.scale
    channels = len(weights.codes)
    offset = np.asarray(bias, np.float64) / unit
    steps = np.asarray(levels, np.float64)[:, None]
    real = np.broadcast_to(steps / unit - offset, (len(steps), channels))
    nothing = np.zeros(())
    whole = Constants(weights.codes, nothing, None, unit, 0, inflow, bits is not None, offset)
    if bits is not None:
        low, high = _reach(weights.codes, inflow)
        real = np.clip(np.ceil(real), low, high + 1)
    if dtype is None or (bits is not None and magnitude(whole, bits, 1.0, 1) >= 2**24):
        dtype = np.dtype(np.float64)
    return replace(
        whole,
        codes=weights.codes.astype(dtype, copy=False),
        bias=nothing.astype(dtype),
        threshold=real.astype(dtype),
    )


def _reach(codes: Float, inflow: Inflow) -> tuple[Float, Float]:
    """Return the smallest and largest sum of each channel, (channels,)."""
    flat = codes.reshape(len(codes), -1)
    total = flat.sum(axis=1, dtype=np.float64)
    size = np.abs(flat).sum(axis=1, dtype=np.float64)
    positive, negative = (size + total) / 2, (total - size) / 2
    low, high = min(inflow.low, 0), max(inflow.high, 0)  # zeros beyond the edges count as inputs
    return positive * low + negative * high, positive * high + negative * low


def _exponent(ratio: float, inflow: Inflow, fraction_bits: int) -> int:
    """Return e with 2**e <= ratio, as far as the layer's shifts go."""
    low, high = (-MAX_SHIFT, -fraction_bits) if inflow.spiking else (0, MAX_SHIFT)
    return min(max(floor(log2(ratio)), low), high)


def magnitude(
    folded: Constants, bits: int, leak_bound: float, most: float, beside: float = 0.0
) -> float:
    """Return a bound of every value that the forward pass forms, for any input.

    beside: the largest current of other edges, in units of the membrane
    """
    codes, exponent = folded.codes.reshape(len(folded.codes), -1), folded.exponent
    half = 2.0 ** (exponent - 1) if exponent > 0 else 0.0
    rest = 1 + float(np.abs(folded.bias).max()) + beside
    threshold = 0.0 if folded.threshold is None else most * float(np.max(folded.threshold))
    if folded.reset_to is not None:  # and what the terms of a leak make of it on the way
        rest += (MAX_LEAK_TERMS + 1) * float(np.abs(folded.reset_to).max())

    def bound(codes_of_a_neuron: float) -> float:
        a = codes_of_a_neuron * folded.inflow.magnitude
        current = (a + half) * 2.0**-exponent + rest
        return max(a + half, current * leak_bound, threshold)

    at_most = bound(codes.shape[1] * (2.0 ** (bits - 1) - (bits != 2)))
    if at_most < 2**24:
        return at_most  # whatever the codes are
    return bound(float(np.abs(codes).sum(axis=1, dtype=np.float64).max()))


def in_float64(constants: Constants) -> Constants:
    """Return the constants in float64."""
    wide: Any = np.float64
    theta, left = constants.threshold, constants.reset_to
    return replace(
        constants,
        codes=constants.codes.astype(wide),
        bias=constants.bias.astype(wide),
        threshold=None if theta is None else theta.astype(wide),
        reset_to=None if left is None else left.astype(wide),
        more=tuple(replace(edge, codes=edge.codes.astype(wide)) for edge in constants.more),
    )


def whole(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return folded constants, which are whole numbers, as integers."""
    integers = np.rint(values).astype(np.int64)
    assert (integers == values).all(), "folded constants must be whole numbers"
    return integers


def shifts(constants: Constants) -> dict[str, int]:
    """Return the shifts of a synapse's record, by their names."""
    spiking, e = constants.inflow.spiking, constants.exponent
    return {"fraction_bits": -e if spiking else 0, "input_shift": 0 if spiking else e}


def scaled_by_channel(constants: Constants, sums: Float) -> Float:
    """Return I for sums (..., values), channels fastest, overwriting them, as qat.model.Dense."""
    channels = len(constants.codes)
    lead, values = sums.shape[:-1], sums.shape[-1]
    a, exponent = sums.reshape(*lead, values // channels, channels), constants.exponent
    if exponent == 0 and not constants.bias.any():
        return sums
    if exponent > 0 and constants.rounded:
        a += 2.0 ** (exponent - 1)
    if exponent:
        a *= 2.0**-exponent
    if exponent > 0 and constants.rounded:
        namespace(a).floor(a, out=a)
    a += constants.bias
    return a.reshape(sums.shape)
