"""The range of a leaky integrator, v = v - leak(v) + I: a membrane that no spike resets.

As in qat/model/membrane.py, the values that can be reached within t steps lie in an interval
V(t), grown from V(0) = {0} in rounds; where these do not end soon, and there are more steps, it
shrinks from an interval that is proved to hold all of them. qat/model/bounds.py says why.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qat.model.intervals import Int64, Interval
from qat.model.leak import LeakExtrema, leak_fraction

ROUNDS = 512
"""Rounds towards a fixed point before the proved starting interval is used."""


class Reached(NamedTuple):
    """Ranges by channel: of v after any step, of v and its start at 0, of its sums over steps.

    total:   of the sum over all steps; partial: of that over any number of the first steps; None
             where there is any number of steps
    """

    after: Interval
    kept: Interval
    total: Interval | None
    partial: Interval | None


def integrate(leak: tuple[int, ...], current: Interval, steps: int | None) -> Reached:
    """Return what `steps` steps (None: any number) reach, for any currents in a range.

    Raises ValueError for integrators without a leak that may run for ever.
    """
    if not leak:
        return _summed(current, steps)
    extrema, zero = LeakExtrema(leak), _zero(current)
    before, v, sums = zero, zero, _Sums(extrema, current)
    rounds = ROUNDS if steps is None else min(ROUNDS, steps)
    for _ in range(rounds):
        sums.add()
        before, v = v, v.hull(extrema.image(v) + current)
        if steps is None and v.equals(before):
            break
    if steps is None or steps > ROUNDS:
        before = v if v.equals(before) else _shrunk(leak, extrema, current)
        v = before
    after = extrema.image(before) + current
    return Reached(after, v, *(sums.all(after, steps - rounds) if steps else (None, None)))


def _zero(like: Interval) -> Interval:
    return Interval(np.zeros_like(like.lo), np.zeros_like(like.lo))


class _Sums:
    """The ranges of v after exactly so many steps, summed."""

    def __init__(self, extrema: LeakExtrema, current: Interval) -> None:
        self.extrema, self.current = extrema, current
        self.now = self.total = _zero(current)
        self.partial: Interval | None = None

    def add(self) -> None:
        """Make a step."""
        self.now = self.extrema.image(self.now) + self.current
        self._sum(self.now)

    def _sum(self, more: Interval) -> None:
        self.total = self.total + more
        self.partial = self.total if self.partial is None else self.partial.hull(self.total)

    def all(self, after: Interval, left: int) -> tuple[Interval, Interval]:
        """Return the ranges of all and of any sums; after: of v in each of `left` further steps."""
        if left:
            self._sum(Interval(left * after.lo, left * after.hi))
        assert self.partial is not None
        return self.total, self.partial


def _summed(current: Interval, steps: int | None) -> Reached:
    """Return the same without a leak: after t steps v lies in t times the currents."""
    if steps is None:
        if current.magnitude:
            raise ValueError(
                "an integrator without a leak has no bound in a model that runs free; give it a "
                "leak, or the model a number of steps"
            )
        return Reached(current, current, None, None)
    last = Interval(steps * current.lo, steps * current.hi)
    after, times = last.hull(current), steps * (steps + 1) // 2
    total = Interval(times * current.lo, times * current.hi)
    return Reached(after, _zero(current).hull(after), total, total.hull(current))


def _shrunk(leak: tuple[int, ...], extrema: LeakExtrema, current: Interval) -> Interval:
    """Return an interval that holds v for all times, met with its image until nothing changes.

    As in Membrane, |f(v)| <= (1 - lambda) |v| + n with n terms.
    """
    drain, inflow = np.minimum(current.lo, 0), np.maximum(current.hi, 0)
    v = Interval(-_divide_up(len(leak) - drain, leak), _divide_up(inflow + len(leak), leak))
    for _ in range(ROUNDS):
        before = v
        v = v.meet(_zero(current).hull(extrema.image(v) + current))
        if v.equals(before):
            break
    return v


def _divide_up(value: Int64, leak: tuple[int, ...]) -> Int64:
    """Return the smallest integer >= value / lambda."""
    fraction = leak_fraction(leak)
    return -((-value * fraction.denominator) // fraction.numerator)
