"""Intervals of integers, one for each neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import INT32_MAX

if TYPE_CHECKING:
    pass

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


class LeakExtrema:
    """Exact minimum and maximum of f(v) = v - leak(v) over an interval.

    With K the largest shift, f(v + 2**K) = f(v) + (1 - lambda) * 2**K and the slope is not
    negative, so the extremum lies among the last (first) 2**K values (3. above). They lie in at
    most two periods of 2**K, each answered from a sparse table of one period.
    """

    def __init__(self, leak: tuple[int, ...]) -> None:
        self.leak = leak
        self.period_bits = max((abs(k) for k in leak), default=0)
        if len(leak) > 1:
            period = self.f(np.arange(2**self.period_bits, dtype=np.int64))
            self.gain = int(self.f(np.int64(2**self.period_bits)) - period[0])
            self.most = _sparse_table(period, np.maximum)
            self.least = _sparse_table(period, np.minimum)

    def f(self, v: Int64 | np.int64) -> Int64:
        """Return v - leak(v)."""
        result = np.array(v, dtype=np.int64)
        for k in self.leak:
            result = result + (v >> -k) if k < 0 else result - (v >> k)
        return result

    def image(self, v: Interval) -> Interval:
        """Return the exact range of f over every interval of `v`."""
        if len(self.leak) <= 1:  # f is then monotone: a step of v changes v >> k by 0 or 1
            return Interval(self.f(v.lo), self.f(v.hi))
        window = 2**self.period_bits - 1
        top = Interval(np.maximum(v.lo, v.hi - window), v.hi)
        bottom = Interval(v.lo, np.minimum(v.hi, v.lo + window))
        return Interval(
            self._extremum(bottom, self.least, np.minimum),
            self._extremum(top, self.most, np.maximum),
        )

    def _extremum(self, v: Interval, table: list[Int64], better: np.ufunc) -> Int64:
        bits = self.period_bits
        first, last = v.lo >> bits, v.hi >> bits
        start, stop = v.lo & (2**bits - 1), v.hi & (2**bits - 1)
        one = first == last  # the interval lies in one period, else it ends in the next
        head = _range_query(table, start, np.where(one, stop, 2**bits - 1), better)
        tail = _range_query(table, np.where(one, start, 0), stop, better)
        result: Int64 = better(head + first * self.gain, tail + last * self.gain)
        return result


def _sparse_table(values: Int64, better: np.ufunc) -> list[Int64]:
    """Return rows r with row[i] = the best of values[i : i + 2**r]."""
    rows = [values]
    while 2 ** len(rows) <= len(values):
        half = 2 ** (len(rows) - 1)
        rows.append(better(rows[-1][:-half], rows[-1][half:]))
    return rows


def _range_query(table: list[Int64], start: Int64, stop: Int64, better: np.ufunc) -> Int64:
    """Return the best of values[start : stop + 1], for arrays of ranges."""
    result = np.empty_like(start)
    rows = np.frexp((stop - start + 1).astype(np.float64))[1] - 1
    for r in np.unique(rows):
        here = rows == r
        result[here] = better(table[r][start[here]], table[r][stop[here] - 2**r + 1])
    return result


def refuse_beyond_int32(what: str, interval: Interval, factor: int = 1) -> None:
    """Raise ValueError if a value of `interval`, times `factor`, does not fit int32."""
    if factor * interval.magnitude > INT32_MAX:
        times = f" (times {factor} on the way)" if factor > 1 else ""
        raise ValueError(
            f"{what}: reaches {interval.magnitude}{times}, beyond int32 ({INT32_MAX}); "
            "use fewer inputs, fewer bits, fewer fraction bits or a stronger leak"
        )
