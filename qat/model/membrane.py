"""The range of a leaky membrane, for any input: rounds of interval analysis.

The set of membranes that a neuron can reach within t steps lies in an interval V(t), grown
from V(0) = {0}:

    U(t+1) = clamp(f(V(t)) + I)            f(v) = v - leak(v), the exact extremum over V(t)
    V(t+1) = hull of V(t) and reset(U(t+1))

A reset that is late sends spiking membranes of V(t) to 0 in U(t+1), and leaves U(t+1) as it is.

A model of T steps needs T rounds. Without T the rounds run to their fixed point; where it
is far away (slow leaks), they start instead from an interval that is proved to hold it and
shrink towards it, so that the result is sound at every moment. Why all of it is sound stands in
qat/model/bounds.py.
"""

from __future__ import annotations

import numpy as np

from qat.model.checks import INT32_MAX
from qat.model.intervals import Int64, Interval, refuse_beyond_int32
from qat.model.leak import Extrema, by_class, leak_fraction, leaks_of, partial_sums
from qat.model.leaky import Leaky

ROUNDS = 512
"""Rounds towards a fixed point before the proved starting interval is used."""


def reach_of(
    neuron: Leaky, inflow: Interval, steps: int | None, highest: Int64 | None = None
) -> tuple[Interval, Interval, Interval]:
    """Return the ranges of u before and after the saturation, and of v between steps.

    inflow:  what flows into the membrane in a step
    highest: thresholds that no neuron's exceeds; None where they do not change

    Raises ValueError beyond int32.
    """
    membrane = Membrane(neuron, inflow, steps, highest)
    before, v = membrane.reach()
    u_raw = membrane.integrate(before)
    refuse_beyond_int32("membrane", before.hull(v), partial_sums(neuron.leak))
    refuse_beyond_int32("membrane", u_raw)
    return u_raw, membrane.saturate(u_raw), v


class Membrane:
    """The rounds of one layer; all values are int64 arrays of shape (n,).

    A neuron may spike from its threshold on, and is surely not silent from `highest` on.
    """

    def __init__(
        self, neuron: Leaky, current: Interval, steps: int | None, highest: Int64 | None = None
    ) -> None:
        self.neuron, self.current, self.steps = neuron, current, steps
        n = len(current.lo)
        self.extrema = Extrema(neuron.leak, n)
        self.threshold = np.broadcast_to(neuron.threshold, n).astype(np.int64)
        self.highest = self.threshold if highest is None else highest
        self.reset_by = np.broadcast_to(neuron.subtracted, n).astype(np.int64)
        self.replaced = np.broadcast_to(neuron.replaced, n).astype(np.int64)
        self.zero = Interval(np.zeros(n, np.int64), np.zeros(n, np.int64))

    def integrate(self, v: Interval) -> Interval:
        """Return u before the saturation."""
        if not self.neuron.late:
            return self.extrema.image(v) + self.current
        silent = Interval(v.lo, np.minimum(v.hi, self.threshold - 1))  # v.lo <= 0: never empty
        u, fires = self.extrema.image(silent) + self.current, v.hi >= self.threshold
        return Interval(
            np.where(fires, np.minimum(u.lo, 0), u.lo), np.where(fires, np.maximum(u.hi, 0), u.hi)
        )

    def saturate(self, u: Interval) -> Interval:
        """Return u after the saturation, if the neuron has one."""
        low = -INT32_MAX * 4 if self.neuron.floor is None else self.neuron.floor
        high = INT32_MAX * 4 if self.neuron.ceiling is None else self.neuron.ceiling
        if self.neuron.floor is None and self.neuron.ceiling is None:
            return u
        return Interval(np.clip(u.lo, low, high), np.clip(u.hi, low, high))

    def after(self, u: Interval) -> Interval:
        """Return the membranes that u leaves behind, spiking or not."""
        if self.neuron.late:
            return u
        silent, spiking = u.lo < self.highest, u.hi >= self.threshold
        rest = Interval(u.lo, np.minimum(u.hi, self.highest - 1))
        kept = Interval(self.replaced, self.replaced)
        fired = self._subtracted(u) if self.neuron.reset == "subtract" else kept
        both = rest.hull(fired)
        return Interval(
            np.where(silent & spiking, both.lo, np.where(silent, rest.lo, fired.lo)),
            np.where(silent & spiking, both.hi, np.where(silent, rest.hi, fired.hi)),
        )

    def _subtracted(self, u: Interval) -> Interval:
        """Return what a subtraction leaves of each u that spikes; of no meaning where none can."""
        lo = np.full_like(u.lo, INT32_MAX * 16)
        hi = -lo
        for spikes in range(1, self.neuron.most + 1):
            least, taken = spikes * self.threshold, spikes * self.reset_by
            most = u.hi if spikes == self.neuron.most else least + self.threshold - 1
            low, high = np.maximum(u.lo, least), np.minimum(u.hi, most)
            lo = np.where(low <= high, np.minimum(lo, low - taken), lo)
            hi = np.where(low <= high, np.maximum(hi, high - taken), hi)
        return Interval(lo, hi)

    def round(self, v: Interval) -> Interval:
        """Return V(t+1) without V(t), but with v(0) = 0."""
        return self.zero.hull(self.after(self.saturate(self.integrate(v))))

    def reach(self) -> tuple[Interval, Interval]:
        """Return (V before the last round, V after it): u follows from the first."""
        v = self.zero
        rounds = ROUNDS if self.steps is None else min(ROUNDS, self.steps)
        for _ in range(rounds):
            before, v = v, v.hull(self.round(v))
            if v.equals(before):
                return v, v
        if self.steps is not None and self.steps <= ROUNDS:
            return before, v
        return self._shrink()

    def _shrink(self) -> tuple[Interval, Interval]:
        v = Interval(self._proved_lowest(), self._proved_highest())
        for _ in range(ROUNDS):
            before, v = v, v.meet(self.round(v))
            if v.equals(before):
                break
        return v, v

    def _proved_highest(self) -> Int64:
        """Return h >= 0 that no membrane passes: with v <= h, the next v <= h again."""
        return np.maximum(self._highest_silent(), self.replaced)

    def _highest_silent(self) -> Int64:
        """Return the same where no reset lifts a membrane."""
        neuron, inflow = self.neuron, np.maximum(self.current.hi, 0)
        if neuron.ceiling is not None:
            return np.full_like(inflow, neuron.ceiling)
        if neuron.leak:
            # v >> k is v / 2^k less a part below 1: f(v) <= (1 - lambda) v + n with n terms at
            # most, (1 - lambda) h + n + I <= h where h >= (I + n) / lambda; a reset only lowers.
            return _divide_up(inflow + _terms(neuron), neuron)
        if neuron.late:
            return self.highest - 1 + inflow  # u of a silent membrane, which is kept; then 0
        if neuron.reset != "subtract" or bool((self.reset_by >= inflow).all()):
            return self.highest - 1  # u <= highest - 1 + I, and a spike takes r >= I away
        if self.steps is not None:
            return self.steps * inflow
        raise ValueError(
            "an integrate-and-fire neuron has no upper bound: its reset_by "
            f"({int(self.reset_by.min())}) is below its largest current ({int(inflow.max())}); "
            "give it a fixed number of steps, a ceiling, a larger reset_by or a leak"
        )

    def _proved_lowest(self) -> Int64:
        """Return l <= 0 that no membrane passes: with v >= l, the next v >= l again."""
        neuron, drain = self.neuron, np.minimum(self.current.lo, 0)
        after_spike = neuron.most * np.minimum(self.threshold - self.reset_by, 0)
        if neuron.reset != "subtract":
            after_spike = np.minimum(self.replaced, 0)
        if neuron.floor is not None:
            return np.minimum(neuron.floor, after_spike)
        if neuron.leak:  # as above, from f(v) >= (1 - lambda) v - n
            return np.minimum(-_divide_up(_terms(neuron) - drain, neuron), after_spike)
        if not drain.any():
            return after_spike
        if self.steps is not None:
            return self.steps * drain + after_spike
        raise ValueError(
            "an integrate-and-fire neuron has no lower bound: its current reaches "
            f"{int(drain.min())} at every step; give it a fixed number of steps, a floor or a leak"
        )


def _terms(neuron: Leaky) -> int:
    """Return n, no less than the terms of a leak."""
    return max(3, *map(len, leaks_of(neuron.leak)))


def _divide_up(value: Int64, neuron: Leaky) -> Int64:
    """Return the smallest integer >= value / lambda, of each neuron."""
    found = np.empty_like(value)
    for terms, here in by_class(neuron.leak, len(value)):
        fraction = leak_fraction(terms)
        found[here] = -((-value[here] * fraction.denominator) // fraction.numerator)
    return found
