"""Leaks: sums of powers of two that a membrane loses per step.

leak(v) = sum over the terms of +-(v >> k)            lambda = sum of +-2**-k
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import MAX_SHIFT, integer
from qat.model.intervals import Int64, Interval

Int32 = NDArray[np.int32]

MAX_LEAK_TERMS = 4
"""Powers of two that a leak may be the sum of."""


def leak_fraction(leak: tuple[int, ...]) -> Fraction:
    """Return lambda, the fraction of the membrane that leaks per step: sum of +-2**-k."""
    return sum((Fraction(-1 if k < 0 else 1, 2 ** abs(k)) for k in leak), Fraction(0))


def leak_terms(leak: Any, name: str = "LIF.leak") -> tuple[int, ...]:
    """Return the terms of a leak, the largest first; ValueError for one that never settles.

    name: of the field that it stands in
    """
    if not isinstance(leak, Iterable):
        raise ValueError(f"{name}: found {leak!r}; must be shifts, such as (3,), or none: ()")
    terms = tuple(integer(name, k, -MAX_SHIFT, MAX_SHIFT) for k in leak)
    if len(terms) > MAX_LEAK_TERMS:
        raise ValueError(f"{name}: found {len(terms)} terms; at most {MAX_LEAK_TERMS}")
    fraction = leak_fraction(terms)
    if terms and not 0 < fraction <= 1:
        raise ValueError(
            f"{name}: {terms} leaks {fraction} of the membrane per step and never settles; "
            "the sum of its terms must be above 0 and at most 1, or give no term at all"
        )
    return tuple(sorted(terms, key=lambda k: (abs(k), k < 0)))


def leak(v: Int32, terms: tuple[int, ...]) -> Int32:
    """Return the sum over the terms of +-(v >> k), the arithmetic shift."""
    total = np.zeros_like(v)
    for k in terms:
        total = total - (v >> -k) if k < 0 else total + (v >> k)
    return total


def partial_sums(terms: tuple[int, ...]) -> int:
    """Return how many times the largest |v| the terms of v - leak(v) can pass on the way."""
    return 1 if len(terms) <= 1 else len(terms) + 1


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
