"""Leaks: sums of powers of two that a membrane loses per step.

leak(v) = sum over the terms of +-(v >> k)            lambda = sum of +-2**-k

All neurons of a layer have the same one, or each the one of its class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import MAX_SHIFT, IntArray, integer, integers, must_match, spread_over
from qat.model.digest import line, spread
from qat.model.intervals import Int64, Interval

Int32 = NDArray[np.int32]

MAX_LEAK_TERMS = 4
"""Powers of two that a leak may be the sum of."""

MAX_CLASSES = 8
"""Leaks among which the neurons of a layer may choose."""

Terms = tuple[int, ...]
"""The shifts of one leak: k stands for +(v >> k), -k for -(v >> k)."""


def leak_fraction(leak: Terms) -> Fraction:
    """Return lambda, the fraction of the membrane that leaks per step: sum of +-2**-k."""
    return sum((Fraction(-1 if k < 0 else 1, 2 ** abs(k)) for k in leak), Fraction(0))


def leak_terms(leak: Any, name: str = "LIF.leak") -> Terms:
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


@dataclass(frozen=True, eq=False)
class LeakClasses:
    """A leak for each neuron, out of a few.

        leak_j(v) = sum over the terms of class of[j] of +-(v >> k)

    terms: the shifts of each class, 2 to 8 of them; each leaks, no two are the same
    of:    (channels,) int8: the class of each channel; none is without one
    """

    terms: tuple[Terms, ...]
    of: IntArray

    def __post_init__(self) -> None:
        set_, terms = object.__setattr__, self.terms
        if not isinstance(terms, Iterable) or isinstance(terms, str):
            raise ValueError(f"LeakClasses.terms: found {terms!r}; must be leaks: ((2,), (4,))")
        found = tuple(leak_terms(each, "LeakClasses.terms") for each in terms)
        if not 2 <= len(found) <= MAX_CLASSES:
            raise ValueError(
                f"LeakClasses.terms: found {len(found)} classes; allowed are 2 to {MAX_CLASSES}; "
                "a leak that all share is given as it is"
            )
        if () in found or len(set(found)) < len(found):
            raise ValueError(
                f"LeakClasses.terms: found {found}; each class needs a leak, and one of its own"
            )
        of = integers("LeakClasses.of", self.of, 0, len(found) - 1, np.int8)
        if of.ndim != 1 or len(np.unique(of)) < len(found):
            raise ValueError(
                f"LeakClasses.of: found shape {of.shape} with classes {np.unique(of).tolist()}; "
                f"needs the class of each channel, and a channel of each of the {len(found)}"
            )
        set_(self, "terms", found)
        set_(self, "of", of)

    def chosen(self, channels: Any) -> Leak:
        """Return the leaks of some channels: a slice or an index of them."""
        used, of = np.unique(self.of[channels], return_inverse=True)
        terms = tuple(self.terms[each] for each in used)
        return terms[0] if len(terms) == 1 else LeakClasses(terms, of)

    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes: the terms of each channel, however classes are numbered."""
        order = sorted(range(len(self.terms)), key=lambda each: self.terms[each])
        for each in order:
            yield line("class", *self.terms[each])
        yield spread("classes", np.argsort(order)[self.of], channels)


Leak = Terms | LeakClasses
"""A leak that all neurons of a layer share, or classes of leaks."""


def leak_given(value: Any, name: str) -> Leak:
    """Return the leak of a record's field, checked; ValueError as leak_terms and LeakClasses."""
    return value if isinstance(value, LeakClasses) else leak_terms(value, name)


def leaks_of(given: Leak) -> tuple[Terms, ...]:
    """Return every leak that neurons have."""
    return given.terms if isinstance(given, LeakClasses) else (given,)


def by_class(given: Leak, size: int) -> Iterator[tuple[Terms, Any]]:
    """Yield each leak, and the index of those of `size` neurons that have it."""
    if not isinstance(given, LeakClasses):
        yield given, slice(None)
        return
    of = spread_over(given.of, size)
    for number, terms in enumerate(given.terms):
        yield terms, np.flatnonzero(of == number)


def check_channels(given: Leak, channels: int, name: str) -> None:
    """Refuse classes of another number of channels."""
    if isinstance(given, LeakClasses):
        must_match(f"{name}.of", given.of, channels)


def leaked(v: Int32, given: Leak) -> Int32:
    """Return leak(v) of membranes (..., neurons)."""
    if not isinstance(given, LeakClasses):
        return leak(v, given)
    total = np.empty_like(v)
    for terms, here in by_class(given, v.shape[-1]):
        total[..., here] = leak(v[..., here], terms)
    return total


def leak(v: Int32, terms: Terms) -> Int32:
    """Return the sum over the terms of +-(v >> k), the arithmetic shift."""
    total = np.zeros_like(v)
    for k in terms:
        total = total - (v >> -k) if k < 0 else total + (v >> k)
    return total


def partial_sums(given: Leak) -> int:
    """Return how many times the largest |v| the terms of v - leak(v) can pass on the way."""
    most = max(map(len, leaks_of(given)))
    return 1 if most <= 1 else most + 1


class SparseTable:
    """The best of any range of values in two look-ups: row r has that of 2**r values from each on.

    better: np.minimum or np.maximum
    """

    def __init__(self, values: Int64, better: np.ufunc) -> None:
        rows = [values]
        while 2 ** len(rows) <= len(values):
            half = 2 ** (len(rows) - 1)
            rows.append(better(rows[-1][:-half], rows[-1][half:]))
        width, row = len(values), np.frexp(np.arange(1.0, len(values) + 1))[1].astype(np.int64) - 1
        self.better = better
        self.best_of = np.concatenate([np.pad(each, (0, width - len(each))) for each in rows])
        self.head = row * width  # of a range of n + 1 values: where its row begins,
        self.tail = self.head + 1 - (1 << row)  # and where its last 2**r values are looked up

    def best(self, start: Int64, stop: Int64) -> Int64:
        """Return the best of values[start : stop + 1], for arrays of ranges."""
        n = stop - start
        head, tail = self.head[n] + start, self.tail[n] + stop
        found: Int64 = self.better(self.best_of[head], self.best_of[tail])
        return found


class LeakExtrema:
    """Exact minimum and maximum of f(v) = v - leak(v) over an interval, of one leak.

    With K the largest shift, f(v + 2**K) = f(v) + (1 - lambda) * 2**K and the slope is not
    negative, so the extremum lies among the last (first) 2**K values (3. above). They lie in at
    most two periods of 2**K, each answered from a sparse table of one period.
    """

    def __init__(self, leak: Terms) -> None:
        self.leak = leak
        self.period_bits = max((abs(k) for k in leak), default=0)
        if len(leak) > 1:
            period = self.f(np.arange(2**self.period_bits, dtype=np.int64))
            self.gain = int(self.f(np.int64(2**self.period_bits)) - period[0])
            self.most = SparseTable(period, np.maximum)
            self.least = SparseTable(period, np.minimum)

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
        return Interval(self._extremum(bottom, self.least), self._extremum(top, self.most))

    def _extremum(self, v: Interval, table: SparseTable) -> Int64:
        bits, end = self.period_bits, 2**self.period_bits - 1
        first, last, start, stop = v.lo >> bits, v.hi >> bits, v.lo & end, v.hi & end
        one = first == last  # the interval lies in one period, else it ends in the next
        head = table.best(start, np.where(one, stop, end)) + first * self.gain
        tail = table.best(np.where(one, start, 0), stop) + last * self.gain
        found: Int64 = table.better(head, tail)
        return found


class Extrema:
    """The same of `size` neurons each with the leak of its class."""

    def __init__(self, given: Leak, size: int) -> None:
        self.classes = tuple((LeakExtrema(terms), here) for terms, here in by_class(given, size))

    def image(self, v: Interval) -> Interval:
        """Return the exact range of f over every interval of `v`."""
        if len(self.classes) == 1:
            return self.classes[0][0].image(v)
        lo, hi = np.empty_like(v.lo), np.empty_like(v.hi)
        for extrema, here in self.classes:
            found = extrema.image(Interval(v.lo[here], v.hi[here]))
            lo[here], hi[here] = found.lo, found.hi
        return Interval(lo, hi)
