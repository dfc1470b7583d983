"""Trainable twins of layers and readouts: real parameters in, the record's integers out.

A layer is a synapse, a batch norm if it has one, neurons and a pool if it has one. A twin is a
frozen description; its parameters are a dictionary of arrays that training replaces. `fold` turns
them into the constants of the integer model, once per weight update (behind a batch norm once per
batch); `forward` computes with these constants the very integers of the record's step, in float32
where every value stays below 2**24, else in float64. Nothing is rounded anywhere else, so
that exporting a network is a change of dtype. qat/train/fold.py has the equations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Accumulate, Layer
from qat.train import lif, norm
from qat.train.fold import RESOLUTION, Constants, Float, Inflow, fold, scaled_by_channel
from qat.train.neurons import Granularity, Incoming, NeuronTwin
from qat.train.norm import Moments, Parameters
from qat.train.pooling import PoolTwin
from qat.train.quantize import QUANTIZERS, Quantized, straight_through
from qat.train.surrogate import heaviside
from qat.train.synapses import DenseTwin, SynapseTwin

LATENT_DEVIATION = 0.1
"""Of initial weights behind a batch norm, where only the learning rate knows their size."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What a layer's backward pass needs; arrays of (steps or 1, batch, values).

    x:       its input
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


@dataclass(frozen=True)
class _Weighted:
    """What layers and readouts share: a synapse, quantized weights and a bias.

    bits:  2, 4, 8, 16, or None for real weights
    scale: one for the "layer" or one per "neuron" (output channel)
    """

    synapse: SynapseTwin
    inflow: Inflow
    steps: int
    bits: int | None = 2
    scale: Granularity = "layer"
    bias: bool = True

    def _initial_weight(self, rng: np.random.Generator, deviation: float) -> Float:
        shape = self.synapse.weights
        return (rng.standard_normal(shape) * deviation).astype(np.float32)

    def _quantized(self, weight: Float, per_channel: bool) -> Quantized:
        """Return codes in the shape of the weights, and their scale."""
        found = QUANTIZERS[self.bits](weight.reshape(len(weight), -1), per_channel)
        return Quantized(found.codes.reshape(weight.shape), found.scale)

    def _plain_gradients(self, constants: Constants, x: NDArray[Any], d: Float) -> Parameters:
        """Return dL/dW and dL/db from dL/dI in integer units, (steps or 1, batch, n_out)."""
        per_unit = (1 / constants.unit).astype(d.dtype)
        each = per_unit * self.inflow.scale
        if each.ndim:
            each = each.reshape(-1, *[1] * (len(self.synapse.weights) - 1))
        weight = self.synapse.weight_gradient(d, x) * each
        gradients = {"weight": straight_through(weight)}
        if self.bias:
            gradients["bias"] = d.reshape(-1, self.synapse.channels).sum(axis=0) * per_unit
        return gradients

    def _plain_input_gradient(self, constants: Constants, d: Float) -> Float:
        found = self.synapse.input_gradient(constants.codes, d)
        found *= 2.0**-constants.exponent
        return found

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.synapse.n_in

    @property
    def channels(self) -> int:
        """Number of neurons at each position."""
        return self.synapse.channels

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return self.synapse.n_out


@dataclass(frozen=True)
class LayerTwin(_Weighted):
    """Twin of `Layer`.

    normalised: a batch norm stands before the neurons; weights then have no scale, for it has one
    """

    neuron: NeuronTwin = None  # type: ignore[assignment]  # always given; fields before it have defaults
    pool: PoolTwin | None = None
    normalised: bool = False

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
        deviation = LATENT_DEVIATION if self.normalised else np.sqrt(2 / self.synapse.fan_in)
        own: Parameters = {"weight": self._initial_weight(rng, deviation)}
        if self.normalised:
            own |= norm.initial(channels)
        elif self.bias:
            own["bias"] = np.zeros(channels, np.float32)
        return own | self.neuron.initial(channels, self.normalised)

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters within the ranges that they are allowed."""
        own = norm.constrained(parameters) if self.normalised else parameters
        return self.neuron.constrain(own)

    def fold(
        self, parameters: Parameters, moments: Moments | None = None, codes: Float | None = None
    ) -> Constants:
        """Return the constants of the integer model for these parameters.

        moments: of the sums, in place of those that were measured last; codes: if known already
        """
        weight = parameters["weight"]
        if not self.normalised:
            weights = self._quantized(weight, self.scale == "neuron")
            return self._folded(parameters, weights, self.inflow, parameters.get("bias", 0.0))
        if codes is None:
            codes = self._quantized(weight, per_channel=True).codes
        scale, bias = norm.scale_and_bias(parameters, moments or Moments.in_parameters(parameters))
        return self._folded(
            parameters, Quantized(codes, scale), replace(self.inflow, scale=1.0), bias
        )

    def _folded(
        self, parameters: Parameters, weights: Quantized, inflow: Inflow, bias: Any
    ) -> Constants:
        incoming = Incoming(weights, inflow, self.bits, bias, parameters["weight"].dtype)
        return self.neuron.fold(incoming, parameters)

    def record(self, constants: Constants) -> Layer:
        """Return the layer of the integer model."""
        assert self.bits is not None
        pool = None if self.pool is None else self.pool.record
        return Layer(
            self.synapse.record(constants, self.bits), self.neuron.record(constants), pool=pool
        )

    def forward(
        self,
        constants: Constants,
        x: NDArray[Any],
        spike: lif.Spike = heaviside,
        parameters: Parameters | None = None,
    ) -> Trace:
        """Return what happens on inputs of (steps or 1, batch, n_in).

        parameters: given in training: a batch norm then takes the moments of this batch
        """
        sums, chosen = self.synapse.sums(constants.codes, x), None
        if self._pools_first:
            assert self.pool is not None
            sums, chosen = self.pool.forward(sums)
        kept, moments = None, None
        if self.normalised and parameters is not None:
            moments = Moments.of(sums, self.synapse.channels)
            constants = self.fold(parameters, moments, constants.codes)
            kept = sums if not self.neuron.MEMORY else sums.copy()
        current = scaled_by_channel(constants, sums)
        u, emitted = self.neuron.forward(constants, current, spike)
        signal = emitted
        if self.pool is not None and not self._pools_first:
            signal, chosen = self.pool.forward(emitted)
        return Trace(x, u, emitted, signal, constants, chosen, kept, moments)

    def backward(
        self, parameters: Parameters, trace: Trace, d_signal: Float
    ) -> tuple[Parameters, Float]:
        """Return (gradients of the parameters, dL/d sums or dL/dI for `input_gradient`)."""
        d = d_signal.astype(parameters["weight"].dtype, copy=False)
        if self.pool is not None and not self._pools_first:
            if trace.chosen is not None and len(d) < len(trace.spikes):
                d = np.broadcast_to(d, trace.spikes.shape)
            d = self.pool.backward(d, trace.chosen)
        constants, held = trace.constants, len(trace.x) == 1
        through = self.neuron.backward(constants, trace.u, trace.emitted, d, held)
        if not self.normalised:
            own = self._plain_gradients(constants, trace.x, through.current)
            return own | through.parameters, through.current
        assert trace.moments is not None
        assert trace.sums is not None
        per_unit = np.broadcast_to(through.per_unit, (self.synapse.channels,))
        own, d_sums = norm.backward(
            parameters, trace.moments, through.current, per_unit, trace.sums
        )
        if self._pools_first:
            assert self.pool is not None
            d_sums = self.pool.backward(d_sums, trace.chosen)
        own["weight"] = straight_through(self.synapse.weight_gradient(d_sums, trace.x))
        return own, d_sums

    def input_gradient(self, constants: Constants, d: Float) -> Float:
        """Return dL/dx, (steps, batch, n_in), from what `backward` returned."""
        if self.normalised:
            return self.synapse.input_gradient(constants.codes, d)
        return self._plain_input_gradient(constants, d)


@dataclass(frozen=True)
class AccumulateTwin(_Weighted):
    """Twin of the readout `Accumulate`: the current of every step, summed, is the score.

    fraction_bits: of the bias, at least: where weights are few and T is 1, whole numbers tie
    """

    fraction_bits: int = 0

    def initial(self, rng: np.random.Generator) -> Parameters:
        """Return fresh parameters, float32: normal weights of variance 2 / n_in, biases 0."""
        weight = self._initial_weight(rng, np.sqrt(2 / self.n_in))
        return {"weight": weight} | (
            {"bias": np.zeros(self.n_out, np.float32)} if self.bias else {}
        )

    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters as they are."""
        return parameters

    def fold(self, parameters: Parameters) -> Constants:
        """Return the constants of the integer model."""
        weight = parameters["weight"]
        return fold(
            self._quantized(weight, self.scale == "neuron"),
            self.inflow,
            self.bits,
            bias=parameters.get("bias", 0.0),
            resolution=RESOLUTION,
            fraction_bits=self.fraction_bits,
            leak_bound=float(self.steps),
            dtype=weight.dtype,
        )

    def record(self, constants: Constants) -> Accumulate:
        """Return the readout of the integer model."""
        assert self.bits is not None
        assert isinstance(self.synapse, DenseTwin)
        return Accumulate(self.synapse.record(constants, self.bits))

    def scores(self, constants: Constants, counts: Float) -> Float:
        """Return the scores, (batch, n_out), from counts of (batch, n_in)."""
        a = counts.astype(constants.codes.dtype, copy=False) @ constants.codes.T
        return a * 2.0**-constants.exponent + self.steps * constants.bias

    def backward(
        self, constants: Constants, counts: Float, d_scores: Float
    ) -> tuple[Parameters, Float]:
        """Return (gradients, dL/dS of (1, batch, n_in), the same at every step)."""
        gradients = self._plain_gradients(constants, counts, d_scores)
        if self.bias:
            gradients["bias"] = gradients["bias"] * d_scores.dtype.type(self.steps)
        return gradients, self._plain_input_gradient(constants, d_scores)[None]
