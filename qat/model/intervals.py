"""Intervals of integers, one for each neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import INT32_MAX

Int64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Interval:
    """Closed ranges [lo, hi], one per neuron: int64 arrays of shape (n,)."""

    lo: Int64
    hi: Int64

    @property
    def low(self) -> int:
        """Smallest value of any neuron."""
        return int(self.lo.min())

    @property
    def high(self) -> int:
        """Largest value of any neuron."""
        return int(self.hi.max())

    @property
    def width(self) -> int:
        """Bits of the two's complement number that holds every value."""
        return max(max(end, ~end).bit_length() for end in (self.low, self.high)) + 1

    @property
    def magnitude(self) -> int:
        """Largest absolute value of any neuron."""
        return max(self.high, -self.low)

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.lo + other.lo, self.hi + other.hi)

    def hull(self, other: Interval) -> Interval:
        """Return the smallest interval that holds both."""
        return Interval(np.minimum(self.lo, other.lo), np.maximum(self.hi, other.hi))

    def meet(self, other: Interval) -> Interval:
        """Return what both intervals hold."""
        return Interval(np.maximum(self.lo, other.lo), np.minimum(self.hi, other.hi))

    def equals(self, other: Interval) -> bool:
        """Return True if both are the same intervals."""
        return np.array_equal(self.lo, other.lo) and np.array_equal(self.hi, other.hi)


def refuse_beyond_int32(what: str, interval: Interval, factor: int = 1) -> None:
    """Raise ValueError if a value of `interval`, times `factor`, does not fit int32."""
    if factor * interval.magnitude > INT32_MAX:
        times = f" (times {factor} on the way)" if factor > 1 else ""
        raise ValueError(
            f"{what}: reaches {interval.magnitude}{times}, beyond int32 ({INT32_MAX}); "
            "use fewer inputs, fewer bits, fewer fraction bits or a stronger leak"
        )
