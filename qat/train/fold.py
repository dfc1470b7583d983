"""Float -> integers: the constants of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
