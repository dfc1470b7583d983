"""Trainable twins of layers: real parameters in, the record's integers out.

A layer is a synapse, a batch norm if it has one, neurons and a pool if it has one. A twin is a
frozen description; its parameters are a dictionary of arrays that training replaces. `fold` turns
them into the constants of the integer model, once per weight update (behind a batch norm once per
batch); `forward` computes with these constants the very integers of the record's step, in float32
where every value stays below 2**24, else in float64. Nothing is rounded anywhere else, so
that exporting a network is a change of dtype. qat/train/fold.py has the equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.model import INPUT, Layer
from qat.train import norm
from qat.train.arrays import as_of, host, namespace
from qat.train.delays import DelayTwin
from qat.train.dynamics import Spike
from qat.train.edges import EdgeTwin, quantized_together
from qat.train.feedback import Feedback
from qat.train.fold import (
    Constants,
    Float,
    Inflow,
    in_float64,
    magnitude,
    scaled_by_channel,
)
from qat.train.neuron import Incoming, NeuronTwin
from qat.train.norm import Moments, Parameters
from qat.train.pooling import PoolTwin
from qat.train.quantize import Quantized, straight_through
from qat.train.surrogate import heaviside
from qat.train.weighted import Weighted

Signals = Mapping[int, NDArray[Any]]
"""What every source of a network sends, (steps or 1, batch, values), by its number."""

LATENT_DEVIATION = 0.1
"""Of initial weights behind a batch norm, where only the learning rate knows their size."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What a layer's backward pass needs; arrays of (steps or 1, batch, values).

    x:       its input, as it arrives behind its delays
    sent:    its input as it was sent
    u:       of the neurons; the largest of each kernel where the pool comes before them
    emitted: what the neurons emit, before a pool that comes behind them
    spikes:  its signal
    chosen:  which position of each kernel the pool took
    sums, moments: what a batch norm was given, and their moments; None where it was not the
             batch's
    """

    x: NDArray[Any]
    u: Float
    emitted: Float
    spikes: Float
    constants: Constants
    chosen: NDArray[np.int32] | None = None
    sums: Float | None = None
    moments: Moments | None = None
    sent: NDArray[Any] | None = None


class Back(NamedTuple):
    """What a layer's backward pass returns.

    parameters: the gradient of each
    before:     dL/d what the layer before sent, (steps or 1, batch, n_in); None if not wanted
    others:     of further sources, by their number
    """

    parameters: Parameters
    before: Float | None
    others: dict[int, Float]


@dataclass(frozen=True)
class LayerTwin(Weighted):
    """Twin of `Layer`.

    normalised: a batch norm stands before the neurons; weights then have no scale, for it has one
    delays:     of what the first edge reads
    more:       further edges, one of them at most from the layer itself
    """

    neuron: NeuronTwin = None  # type: ignore[assignment]  # always given; fields before it have defaults
    pool: PoolTwin | None = None
    normalised: bool = False
    delays: DelayTwin | None = None
    more: tuple[EdgeTwin, ...] = ()

    @property
    def together(self) -> bool:
        """True if the weights of all edges are quantized as those of one."""
        return (
            bool(self.more)
            and not self.normalised
            and all(
                inflow.spiking for inflow in (self.inflow, *(edge.inflow for edge in self.more))
            )
        )

    @property
    def sends(self) -> int:
        """Number of values of its signal."""
        return self.n_out if self.pool is None else self.pool.left.size

    @property
    def levels(self) -> int:
        """The largest value of its signal."""
        return self.neuron.most * (1 if self.pool is None else self.pool.gain)

    @property
    def _pools_first(self) -> bool:
        """True where the largest current stands for the largest count: neurons without memory."""
        return self.pool is not None and self.pool.largest and not self.neuron.MEMORY

    def initial(self, rng: np.random.Generator) -> Parameters:
        """Return fresh parameters, float32: normal weights, biases 0; see the neuron's."""
        channels = self.synapse.channels
        fan_in = self.synapse.fan_in + sum(edge.synapse.n_in for edge in self.more)
        deviation = LATENT_DEVIATION if self.normalised else np.sqrt(2 / fan_in)
        own: Parameters = {"weight": self.initial_weight(rng, deviation)}
        if self.normalised:
            own |= norm.initial(channels)
        elif self.bias:
            own["bias"] = np.zeros(channels, np.float32)
        if self.delays is not None and self.delays.learned:
            own["delay"] = self.delays.initial(rng)
        for edge in self.more:
            own |= edge.initial(rng, deviation)
        return own | self.neuron.initial(channels, self.normalised)

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters within the ranges that they are allowed."""
        own = norm.constrained(parameters) if self.normalised else parameters
        if self.delays is not None and self.delays.learned:
            own = {**own, "delay": self.delays.constrain(own["delay"])}
        for edge in self.more:
            own = edge.constrain(own)
        return self.neuron.constrain(own)

    def fold(
        self, parameters: Parameters, moments: Moments | None = None, codes: Float | None = None
    ) -> Constants:
        """Return the constants of the integer model for these parameters.

        moments: of the sums, in place of those that were measured last; codes: if known already
        """
        found = self._fold_first(parameters, moments, codes)
        if self.delays is not None:
            found = replace(found, lags=self.delays.fold(parameters.get("delay"), self.n_in))
        return self._with_edges(found, parameters) if self.more else found

    def _fold_first(
        self, parameters: Parameters, moments: Moments | None, codes: Float | None
    ) -> Constants:
        """Return the constants without further edges, or of all edges as those of one."""
        weight = parameters["weight"]
        if not self.normalised:
            inflow, bias = self.inflow, parameters.get("bias", 0.0)
            if self.together:
                highest = max(inflow.high, *(edge.inflow.high for edge in self.more))
                each = [weight, *(parameters[edge.weight] for edge in self.more)]
                weight, inflow = np.concatenate(each, axis=1), replace(inflow, high=highest)
            weights = self.quantized(weight, self.scale == "neuron")
            return self._folded(parameters, weights, inflow, bias)
        if codes is None:
            codes = self.quantized(weight, per_channel=True).codes
        scale, bias = norm.scale_and_bias(parameters, moments or Moments.in_parameters(parameters))
        return self._folded(
            parameters, Quantized(codes, scale), replace(self.inflow, scale=1.0), bias
        )

    def _with_edges(self, folded: Constants, parameters: Parameters) -> Constants:
        """Return the constants with those of further edges; float64 where these need it."""
        if self.together:
            codes, more = quantized_together(folded.codes, folded, self.more, parameters)
            return replace(folded, codes=codes, inflow=self.inflow, more=more)
        more = tuple(edge.fold(parameters, folded) for edge in self.more)
        beside = sum(edge.reach(own) for edge, own in zip(self.more, more, strict=True))
        found = replace(folded, more=more)
        if self.bits is None or folded.codes.dtype == np.float64:
            return found
        most = magnitude(found, self.bits, self.neuron.growth, self.neuron.highest, beside)
        return in_float64(found) if most >= 2**24 else found

    def _folded(
        self, parameters: Parameters, weights: Quantized, inflow: Inflow, bias: Any
    ) -> Constants:
        incoming = Incoming(weights, inflow, self.bits, bias, parameters["weight"].dtype)
        return self.neuron.fold(incoming, parameters)

    def record(self, constants: Constants) -> Layer:
        """Return the layer of the integer model."""
        assert self.bits is not None
        pool = None if self.pool is None else self.pool.record
        late = self.delays is not None and constants.lags is not None
        pairs = zip(self.more, constants.more, strict=True)
        return Layer(
            self.synapse.record(constants, self.bits),
            self.neuron.record(constants),
            pool=pool,
            delay=self.delays.record(constants.lags) if late else 0,  # type: ignore[union-attr, arg-type]  # late
            more=tuple(edge.record(own) for edge, own in pairs),
        )

    def forward(
        self,
        constants: Constants,
        x: NDArray[Any],
        spike: Spike = heaviside,
        parameters: Parameters | None = None,
        *,
        signals: Signals | None = None,
    ) -> Trace:
        """Return what happens on inputs of (steps or 1, batch, n_in).

        parameters: given in training: a batch norm then takes the moments of this batch
        signals:    of every source, for further edges
        """
        sent = x
        if constants.lags is not None:
            x = constants.lags.delayed(x)
        sums, chosen = self.synapse.sums(constants.codes, x), None
        if self._pools_first:
            assert self.pool is not None
            sums, chosen = self.pool.forward(sums)
        kept, moments = None, None
        if self.normalised and parameters is not None:
            moments = Moments.of(sums, self.synapse.channels)
            constants = self._folded_anew(parameters, moments, constants)
            kept = sums if not self.neuron.MEMORY else sums + 0  # a copy: what follows overwrites
        current = scaled_by_channel(constants, sums)
        for edge, own in zip(self.more, constants.more, strict=True):
            if not edge.itself:
                assert signals is not None
                current = current + edge.current(own, signals[edge.source])
        u, emitted = self.neuron.forward(constants, current, spike, self._feedback(constants))
        signal = emitted
        if self.pool is not None and not self._pools_first:
            signal, chosen = self.pool.forward(emitted)
        return Trace(x, u, emitted, signal, constants, chosen, kept, moments, sent)

    def _folded_anew(
        self, parameters: Parameters, moments: Moments, constants: Constants
    ) -> Constants:
        """Return the constants for other moments, of the same codes."""
        own, codes = {name: host(p) for name, p in parameters.items()}, host(constants.codes)
        return self.fold(own, moments.of_numpy(), codes).on(constants.codes)

    def _feedback(self, constants: Constants) -> Feedback | None:
        """Return the recurrent edge, None without one."""
        for edge, own in zip(self.more, constants.more, strict=True):
            if edge.itself:
                return Feedback(own.weights, own.lags, constants.rounded)
        return None

    def backward(
        self,
        parameters: Parameters,
        trace: Trace,
        d_signal: Float,
        signals: Signals,
        wanted: bool = True,
    ) -> Back:
        """Return the gradients of the parameters, and of what the layer reads.

        signals: of every source, INPUT among them
        wanted:  whether that of the layer before is; that of the input never is
        """
        d = as_of(d_signal, parameters["weight"])
        if self.pool is not None and not self._pools_first:
            if trace.chosen is not None and len(d) < len(trace.spikes):
                d = namespace(d).broadcast_to(d, trace.spikes.shape)
            d = self.pool.backward(d, trace.chosen)
        constants, held = trace.constants, len(trace.x) == 1
        through = self.neuron.backward(
            constants, trace.u, trace.emitted, d, held and not self.more,
            feedback=self._feedback(constants),
        )  # fmt: skip
        own, others = self._edges_backward(constants, trace, through.current, signals)
        current = through.current
        if held and len(current) > 1:
            current = current.sum(axis=0, keepdims=True)
        if not self.normalised:
            own |= self.plain_gradients(constants, trace.x, current) | through.parameters
            return self._finished(own, trace, current, others, wanted)
        assert trace.moments is not None
        assert trace.sums is not None
        per_unit = through.per_unit
        per_unit = namespace(per_unit).broadcast_to(per_unit, (self.synapse.channels,))
        of_norm, d_sums = norm.backward(parameters, trace.moments, current, per_unit, trace.sums)
        if self._pools_first:
            assert self.pool is not None
            d_sums = self.pool.backward(d_sums, trace.chosen)
        weight = straight_through(self.synapse.weight_gradient(d_sums, trace.x))
        return self._finished(own | of_norm | {"weight": weight}, trace, d_sums, others, wanted)

    def _edges_backward(
        self, constants: Constants, trace: Trace, d: Float, signals: Signals
    ) -> tuple[Parameters, dict[int, Float]]:
        """Return (gradients of the further edges, dL/d what their sources sent)."""
        own: Parameters = {}
        others: dict[int, Float] = {}
        for edge, folded in zip(self.more, constants.more, strict=True):
            signal = trace.spikes if edge.itself else signals[edge.source]
            wanted = not edge.itself and edge.source != INPUT
            found, back = edge.backward(folded, constants.unit, signal, d, wanted)
            own |= found
            if back is not None:
                others[edge.source] = others[edge.source] + back if edge.source in others else back
        return own, others

    def _finished(
        self, own: Parameters, trace: Trace, d: Float, others: dict[int, Float], wanted: bool
    ) -> Back:
        """Return it with the gradients of delays and of what the layer before sent.

        d: dL/d sums behind a batch norm, else dL/dI
        """
        learned = self.delays is not None and self.delays.learned
        if not (wanted or learned):
            return Back(own, None, others)
        constants, lags = trace.constants, trace.constants.lags
        d_arriving = self._input_gradient(constants, d)
        if self.delays is not None and learned:
            assert lags is not None
            assert trace.sent is not None
            own["delay"] = self.delays.by_channel(lags.gradient(trace.sent, d_arriving))
        before = None
        if wanted:
            before = d_arriving if lags is None else lags.backward(d_arriving)
        return Back(own, before, others)

    def _input_gradient(self, constants: Constants, d: Float) -> Float:
        """Return dL/dx, (steps, batch, n_in), of what arrives at the first edge."""
        if self.normalised:
            return self.synapse.input_gradient(constants.codes, d)
        return self.plain_input_gradient(constants, d)
