"""Interval analysis: the range of every accumulator, current and membrane, for any input.

The set of membranes that a neuron can reach within t steps lies in an interval V(t), grown
from V(0) = {0}:

    U(t+1) = clamp(f(V(t)) + I)            f(v) = v - leak(v), the exact extremum over V(t)
    V(t+1) = hull of V(t) and reset(U(t+1))

A model of T steps needs T rounds. Without T the rounds run to their fixed point; where it
is far away (slow leaks), they start instead from an interval that is proved to hold it and
shrink towards it, so that the result is sound at every moment.

Why it is sound, in the order of the computation:

1. a is a sum of products q_ji * x_i. Each lies between its values at the ends of the input's
   range, and so does any sum of some of them: partial sums have the missing inputs at 0.
2. I is a non-decreasing function of a (a shift rounds down, scales are positive): its ends
   are those of a.
3. f is not monotone where the leak has several terms: with v - (v >> 1) - (v >> 2), f(3) = 2
   and f(4) = 1. But with K the largest shift, (v + 2^K) >> k = (v >> k) + 2^(K-k) for every
   k <= K, hence f(v + 2^K) = f(v) + (1 - lambda) 2^K >= f(v), for lambda <= 1. So every value
   below the last 2^K of an interval is passed by one 2^K above it: the maximum lies among
   the last 2^K values, the minimum among the first. These are scanned (`LeakExtrema`). With
   one term, v >> k grows by 0 or 1 where v grows by 1, f is monotone, the ends suffice.
4. u = clamp(f(v) + I): every pair of v in V(t) and I is allowed, whether or not an input
   gives both at once. That can only make U larger. Clamping is monotone.
5. The reset is looked at by parts: silent values u < threshold stay, spiking ones move down
   by r or to 0. The hull of both parts holds every next membrane, and V(t+1) holds those of
   earlier steps as well. By induction V(t) holds every membrane of the steps 0 to t.
6. The rounds grow and the sets are finite, so a round that changes nothing proves V for all
   times. The interval that shrinking starts from is invariant: if v lies in it, so does the
   next v (`_proved_highest`, `_proved_lowest`); meeting it with its own image keeps every
   membrane that can be reached, because all of them lie in both.

A layer's inputs are taken to be free, in 0..1 behind the first. Where they are, in a single
layer whose currents take every whole number, both ends are reached; tests/property/test_bounds.py
constructs the inputs. Deeper layers cannot give every combination of spikes: there the ranges
are sound, and wider than what occurs. `spikemcu verify` tells how much of each its inputs reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qat.model.checks import INT32_MAX
from qat.model.inputs import Spikes
from qat.model.intervals import Int64, Interval, LeakExtrema, refuse_beyond_int32
from qat.model.neurons import LIF, leak_fraction
from qat.model.readouts import Accumulate
from qat.model.synapses import Dense

if TYPE_CHECKING:
    from qat.model.model import Model


ROUNDS = 512
"""Rounds towards a fixed point before the proved starting interval is used."""


@dataclass(frozen=True, eq=False)
class LayerBounds:
    """Ranges of one layer, per neuron, at any step and for any input.

    accumulator: a, and every partial sum on the way to it
    current:     I
    u_raw:       u before the saturation
    u:           u as it is compared with the threshold
    v:           the membrane between steps, v(0) = 0 included
    """

    accumulator: Interval
    current: Interval
    u_raw: Interval
    u: Interval
    v: Interval


@dataclass(frozen=True, eq=False)
class Bounds:
    """Ranges of a whole model; `accumulator` and `scores` belong to the readout, if any."""

    layers: tuple[LayerBounds, ...]
    accumulator: Interval | None
    scores: Interval | None


def accumulator_bounds(synapse: Dense, low: int, high: int) -> Interval:
    """Return the range of sum_i q_ji * x_i and of all its partial sums, for x_i in [low, high]."""
    codes = synapse.codes
    positive = np.where(codes > 0, codes, 0).sum(axis=1, dtype=np.int64)
    negative = np.where(codes < 0, codes, 0).sum(axis=1, dtype=np.int64)
    low, high = min(low, 0), max(high, 0)  # a partial sum has left inputs out: they count as 0
    return Interval(positive * low + negative * high, positive * high + negative * low)


def _current_bounds(synapse: Dense, a: Interval) -> Interval:
    half = (1 << synapse.input_shift) >> 1
    refuse_beyond_int32("current", Interval(a.lo, a.hi + half))
    scale = 2**synapse.fraction_bits
    return Interval(
        ((a.lo + half) >> synapse.input_shift) * scale + synapse.bias,
        ((a.hi + half) >> synapse.input_shift) * scale + synapse.bias,
    )


class _Membrane:
    """The rounds of one layer; all values are int64 arrays of shape (n,)."""

    def __init__(self, neuron: LIF, current: Interval, steps: int | None) -> None:
        self.neuron, self.current, self.steps = neuron, current, steps
        self.extrema = LeakExtrema(neuron.leak)
        n = len(current.lo)
        self.threshold = np.broadcast_to(neuron.threshold, n).astype(np.int64)
        self.reset_by = np.broadcast_to(neuron.subtracted, n).astype(np.int64)
        self.zero = Interval(np.zeros(n, np.int64), np.zeros(n, np.int64))

    def integrate(self, v: Interval) -> Interval:
        """Return u before the saturation."""
        return self.extrema.image(v) + self.current

    def saturate(self, u: Interval) -> Interval:
        low = -INT32_MAX * 4 if self.neuron.floor is None else self.neuron.floor
        high = INT32_MAX * 4 if self.neuron.ceiling is None else self.neuron.ceiling
        if self.neuron.floor is None and self.neuron.ceiling is None:
            return u
        return Interval(np.clip(u.lo, low, high), np.clip(u.hi, low, high))

    def after(self, u: Interval) -> Interval:
        """Return the membranes that u leaves behind, spiking or not."""
        silent, spiking = u.lo < self.threshold, u.hi >= self.threshold
        rest = Interval(u.lo, np.minimum(u.hi, self.threshold - 1))
        fired = Interval(np.maximum(u.lo, self.threshold) - self.reset_by, u.hi - self.reset_by)
        if self.neuron.reset == "zero":
            fired = self.zero
        both = rest.hull(fired)
        return Interval(
            np.where(silent & spiking, both.lo, np.where(silent, rest.lo, fired.lo)),
            np.where(silent & spiking, both.hi, np.where(silent, rest.hi, fired.hi)),
        )

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
        neuron, inflow = self.neuron, np.maximum(self.current.hi, 0)
        if neuron.ceiling is not None:
            return np.full_like(inflow, neuron.ceiling)
        if neuron.leak:
            # v >> k is v / 2^k less a part below 1: f(v) <= (1 - lambda) v + 3 with three terms at
            # most, (1 - lambda) h + 3 + I <= h where h >= (I + 3) / lambda; a reset only lowers.
            return _divide_up(inflow + 3, neuron)
        if neuron.reset == "zero" or bool((self.reset_by >= inflow).all()):
            return self.threshold - 1  # u <= threshold - 1 + I, and a spike takes r >= I away
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
        after_spike = np.minimum(self.threshold - self.reset_by, 0)
        if neuron.reset == "zero":
            after_spike = np.zeros_like(after_spike)
        if neuron.floor is not None:
            return np.minimum(neuron.floor, after_spike)
        if (
            neuron.leak
        ):  # as above, from f(v) >= (1 - lambda) v - 3; a spike leaves u - r >= theta - r
            return np.minimum(-_divide_up(3 - drain, neuron), after_spike)
        if not drain.any():
            return after_spike
        if self.steps is not None:
            return self.steps * drain + after_spike
        raise ValueError(
            "an integrate-and-fire neuron has no lower bound: its current reaches "
            f"{int(drain.min())} at every step; give it a fixed number of steps, a floor or a leak"
        )


def _divide_up(value: Int64, neuron: LIF) -> Int64:
    """Return the smallest integer >= value / lambda."""
    fraction = leak_fraction(neuron.leak)
    return -((-value * fraction.denominator) // fraction.numerator)


def _partial_sums(leak: tuple[int, ...]) -> int:
    """Return how many times the largest |v| the terms of v - leak(v) can pass on the way."""
    return 1 if len(leak) <= 1 else len(leak) + 1


def layer_bounds(
    synapse: Dense, neuron: LIF, low: int, high: int, steps: int | None
) -> LayerBounds:
    """Return the bounds of a layer whose inputs lie in [low, high], or raise ValueError."""
    accumulator = accumulator_bounds(synapse, low, high)
    refuse_beyond_int32("accumulator", accumulator)
    current = _current_bounds(synapse, accumulator)
    refuse_beyond_int32("current", current)
    membrane = _Membrane(neuron, current, steps)
    before, v = membrane.reach()
    u_raw = membrane.integrate(before)
    refuse_beyond_int32("membrane", before.hull(v), _partial_sums(neuron.leak))
    refuse_beyond_int32("membrane", u_raw)
    return LayerBounds(accumulator, current, u_raw, membrane.saturate(u_raw), v)


def _readout_bounds(synapse: Dense, steps: int, early: bool) -> tuple[Interval, Interval]:
    accumulator = accumulator_bounds(synapse, 0, steps)
    scale, bias = 2**synapse.fraction_bits, steps * synapse.bias.astype(np.int64)
    scores = Interval(accumulator.lo * scale + bias, accumulator.hi * scale + bias)
    if early:  # after t steps the scores lie in t / T of this range
        scores = Interval(np.minimum(scores.lo, 0), np.maximum(scores.hi, 0))
    refuse_beyond_int32("score", scores.hull(accumulator))
    return accumulator, scores


def model_bounds(model: Model) -> Bounds:
    """Return the bounds of every layer; raise ValueError, naming the layer, where one fails."""
    layers = []
    for index, layer in enumerate(model.layers):
        low, high = model.input.reads if index == 0 else (0, 1)
        try:
            if index == 0:
                _refuse_any_byte(layer.synapse, model)
            layers.append(layer_bounds(layer.synapse, layer.neuron, low, high, model.steps))
        except ValueError as error:
            raise ValueError(f"layer {index}: {error}") from None
    if isinstance(model.readout, Accumulate) and model.steps is not None:
        try:
            synapse, early = model.readout.synapse, model.stop is not None
            return Bounds(tuple(layers), *_readout_bounds(synapse, model.steps, early))
        except ValueError as error:
            raise ValueError(f"readout: {error}") from None
    scores = None
    if model.readout is not None and model.steps is not None:
        n = model.layers[-1].size
        scores = Interval(np.zeros(n, np.int64), np.full(n, model.steps, np.int64))
    return Bounds(tuple(layers), None, scores)


def _refuse_any_byte(synapse: Dense, model: Model) -> None:
    """Hold the accumulator in int32 for every byte, so that the C has no undefined behaviour."""
    if model.input.spiking:
        return
    assert not isinstance(model.input, Spikes)
    low, high = (-128, 127) if model.input.signed else (0, 255)
    kind = type(model.input).__name__.lower()
    refuse_beyond_int32(f"accumulator ({kind} input)", accumulator_bounds(synapse, low, high))
