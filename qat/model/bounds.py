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
   by r, or to what the reset leaves; a late reset leaves them, and sends those of V(t) to 0 in
   U(t+1), which is f of the silent ones alone, and 0. The hull of both parts holds every next
   membrane, and V(t+1) holds those of earlier steps as well. By induction V(t) holds every
   membrane of the steps 0 to t.
6. The rounds grow and the sets are finite, so a round that changes nothing proves V for all
   times. The interval that shrinking starts from is invariant: if v lies in it, so does the
   next v (`Membrane._proved_highest`, `_proved_lowest`); meeting it with its own image keeps every
   membrane that can be reached, because all of them lie in both.

Where a layer has several edges, or reads what was sent in earlier steps, its current is a sum of
such a_e, scaled: its range is the sum of theirs, whatever the delays are, because each range holds
0, which is what a signal was before the first step.

A layer's inputs are taken to be free; behind the first, in 0 to what the layer before can send.
Where they are, in a single layer whose currents take every whole number, both ends are reached;
tests/property/test_bounds.py constructs the inputs. Deeper layers cannot give every combination of
spikes: there the ranges are sound, and wider than what occurs. `spikemcu verify` tells how much of
each its inputs reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qat.model.intervals import Interval, refuse_beyond_int32
from qat.model.layer import Layer
from qat.model.synapses import Synapse

if TYPE_CHECKING:
    from qat.model.model import Model


@dataclass(frozen=True, eq=False)
class LayerBounds:
    """Ranges of one layer, by channel, at any step and for any input.

    A channel has the same weights and constants at every position, and at the border fewer inputs:
    its ranges hold at all of them. A dense layer's channels are its neurons.

    accumulator: a, and every partial sum on the way to it. Of several edges the sum of their a,
                 each times 2**(F_e - F), F the fewest fraction bits of them
    current:     I
    u_raw:       u before the saturation
    u:           u as it is compared with the threshold
    state:       the state arrays of the neuron between steps, their start at 0 included
    edges:       a of each edge by itself, and every partial sum on the way to it
    """

    accumulator: Interval
    current: Interval
    u_raw: Interval
    u: Interval
    state: tuple[Interval, ...]
    edges: tuple[Interval, ...]

    @property
    def v(self) -> Interval | None:
        """The membrane between steps, the first of the state arrays; None without memory."""
        return self.state[0] if self.state else None


@dataclass(frozen=True, eq=False)
class Bounds:
    """Ranges of a whole model; `accumulator` and `scores` belong to the readout, if any."""

    layers: tuple[LayerBounds, ...]
    accumulator: Interval | None
    scores: Interval | None


def layer_bounds(layer: Layer, reads: Sequence[tuple[int, int]], steps: int | None) -> LayerBounds:
    """Return the bounds of a layer, or raise ValueError.

    reads: the smallest and largest value that each of its edges reads
    """
    sums = tuple(
        edge.synapse.sums(low, high) for edge, (low, high) in zip(layer.edges, reads, strict=True)
    )
    accumulator, current = _inflow(layer, sums)
    reach = layer.neuron.reach(current, steps)
    return LayerBounds(accumulator, current, reach.u_raw, reach.u, reach.state, sums)


def _inflow(layer: Layer, sums: Sequence[Interval]) -> tuple[Interval, Interval]:
    """Return the ranges of the sums and of the current, over all edges.

    Edges behind the first have no bias, so that 0 is among their currents: what is added on the way
    from edge to edge lies within the range of the whole.
    """
    zero = np.zeros(layer.channels, np.int64)
    accumulator = current = Interval(zero, zero)
    fewest = min(edge.synapse.fraction_bits for edge in layer.edges)
    for edge, own in zip(layer.edges, sums, strict=True):
        refuse_beyond_int32("accumulator", own)
        scale = 2 ** (edge.synapse.fraction_bits - fewest)
        accumulator = accumulator + Interval(own.lo * scale, own.hi * scale)
        current = current + edge.synapse.current_range(own)
    refuse_beyond_int32("accumulator", accumulator)
    refuse_beyond_int32("current", current)
    return accumulator, current


def model_bounds(model: Model) -> Bounds:
    """Return the bounds of every layer; raise ValueError, naming the layer, where one fails."""
    layers = []
    for index, layer in enumerate(model.layers):
        sources = [edge.reads_from(index) for edge in layer.edges]
        try:
            for edge, source in zip(layer.edges, sources, strict=True):
                if not model.spikes_of(source):
                    _refuse_any_byte(edge.synapse, model)
            layers.append(layer_bounds(layer, [model.sent(s) for s in sources], model.steps))
        except ValueError as error:
            raise ValueError(f"layer {index}: {error}") from None
    if model.readout is None or model.steps is None:
        return Bounds(tuple(layers), None, None)
    try:
        last, early = model.layers[-1], model.stop is not None
        scores = model.readout.range(last.sends, model.steps, last.levels, early)
    except ValueError as error:
        raise ValueError(f"readout: {error}") from None
    most = last.levels * (model.steps if model.readout.COUNTS else 1)
    return Bounds(tuple(layers), model.readout.sums(most), scores)


def _refuse_any_byte(synapse: Synapse, model: Model) -> None:
    """Hold the accumulator in int32 for every byte, so that the C has no undefined behaviour."""
    low, high = (-128, 127) if model.input.low < 0 else (0, 255)
    kind = type(model.input).__name__.lower()
    refuse_beyond_int32(f"accumulator ({kind} input)", synapse.sums(low, high))
